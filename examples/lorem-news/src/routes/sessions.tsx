import { Hono } from 'hono'
import type { AppDatabase } from '../database/index.ts'
import { InvalidError, NotFoundError } from '../models/errors.ts'
import { endSession } from '../models/sessions.ts'
import { authenticate } from '../models/users.ts'
import { SignInPage } from '../views/users.tsx'
import type { AppEnvironment } from '../web/environment.ts'
import { secret, text } from '../web/forms.ts'
import { orForm, page } from '../web/page.ts'
import { signedIn, type SessionCookie } from '../web/session-cookie.ts'
import { idOf } from './ids.ts'

/** Signing in and out. */
export function sessionRoutes(database: AppDatabase, cookie: SessionCookie) {
  const { queries } = database
  const routes = new Hono<AppEnvironment>()

  routes.on('GET', ['/sign_in', '/sessions/new'], (context) =>
    page(context, <SignInPage form={{ values: {}, errors: {} }} session={context.var.session} />),
  )

  routes.post('/sessions', async (context) => {
    const body = await context.req.parseBody()
    return orForm(
      context,
      body,
      async () => {
        const user = await authenticate(queries, text(body, 'screen_name'), secret(body, 'password'))
        if (!user) throw new InvalidError({ screen_name: unknown, password: unknown })
        await cookie.start(context, user.id)
        return context.redirect('/', 303)
      },
      (form) => <SignInPage form={form} session={context.var.session} />,
    )
  })

  routes.delete('/sessions/:id{[0-9]+}', signedIn, async (context) => {
    const { session } = context.var
    const id = idOf(context)
    if (!(await endSession(database, id, session.user_id)))
      throw new NotFoundError('There is no such session.')
    if (id !== session.id) return context.redirect(`/users/${session.user_id}`, 303)
    cookie.clear(context)
    return context.redirect('/', 303)
  })

  return routes
}

/** Does not tell whether there is an account of this name. */
const unknown = 'No account has this name and this password.'
