import { Hono } from 'hono'
import type { Jobs } from 'handcar/jobs'
import type { AppDatabase } from '../database/index.ts'
import { welcomeMail } from '../jobs/index.ts'
import { sessionsOfUser } from '../models/sessions.ts'
import { createUser, deleteUser, findUser, updateUser } from '../models/users.ts'
import { writingsOf } from '../views/kept.tsx'
import { EditUserPage, SignUpPage, UserPage } from '../views/users.tsx'
import type { AppEnvironment } from '../web/environment.ts'
import { userFields } from '../web/forms.ts'
import { orForm, page } from '../web/page.ts'
import { signedIn, type SessionCookie } from '../web/session-cookie.ts'
import { idOf } from './ids.ts'

/** Signing up, everybody's page, and one's own profile. */
export function userRoutes(database: AppDatabase, cookie: SessionCookie, jobs: Jobs | undefined) {
  const { queries } = database
  const routes = new Hono<AppEnvironment>()
  const welcome = async (userId: number) => jobs?.enqueue(welcomeMail, { userId })

  routes.on('GET', ['/sign_up', '/users/new'], (context) =>
    page(context, <SignUpPage form={{ values: {}, errors: {} }} session={context.var.session} />),
  )

  routes.post('/users', async (context) => {
    const body = await context.req.parseBody()
    return orForm(
      context,
      body,
      async () => {
        const id = await createUser(queries, userFields(body, { isNew: true }), welcome)
        await cookie.start(context, id)
        return context.redirect(`/users/${id}`, 303)
      },
      (form) => <SignUpPage form={form} session={context.var.session} />,
    )
  })

  routes.get('/users/:id{[0-9]+}', async (context) => {
    const { session } = context.var
    const user = await findUser(queries, idOf(context))
    const wrote = await writingsOf(database, user.id)
    const sessions = session?.user_id === user.id ? await sessionsOfUser(queries, user.id) : []
    return page(context, <UserPage {...{ user, ...wrote, sessions, session }} />)
  })

  routes.get('/user', signedIn, (context) => context.redirect(`/users/${context.var.session.user_id}`))

  routes.get('/user/edit', signedIn, async (context) => {
    const { session } = context.var
    const { screen_name, about } = await findUser(queries, session.user_id)
    return page(
      context,
      <EditUserPage form={{ values: { screen_name, about }, errors: {} }} session={session} />,
    )
  })

  routes.patch('/user', signedIn, async (context) => {
    const body = await context.req.parseBody()
    const { session } = context.var
    return orForm(
      context,
      body,
      async () => {
        await updateUser(database, session.user_id, userFields(body, { isNew: false }), session.id)
        return context.redirect(`/users/${session.user_id}`, 303)
      },
      (form) => <EditUserPage form={form} session={session} />,
    )
  })

  routes.delete('/user', signedIn, async (context) => {
    await deleteUser(database, context.var.session.user_id)
    cookie.clear(context)
    return context.redirect('/', 303)
  })

  return routes
}
