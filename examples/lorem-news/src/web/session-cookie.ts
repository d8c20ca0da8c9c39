import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { deleteCookie, getSignedCookie, setSignedCookie } from 'hono/cookie'
import { parseSigned, type CookieOptions } from 'hono/utils/cookie'
import type { Queries } from '../database/index.ts'
import { findSession, startSession, touchSession, type CurrentSession } from '../models/sessions.ts'
import type { AppContext, AppEnvironment } from './environment.ts'

const oneYear = 365 * 24 * 60 * 60

/** Keeps people signed in: a signed cookie with a random token, whose hash is in the table of sessions. */
export class SessionCookie {
  readonly #queries: Queries
  readonly #secret: string
  readonly #name: string
  readonly #options: CookieOptions

  constructor(queries: Queries, { secret, isHttps }: { secret: string; isHttps: boolean }) {
    this.#queries = queries
    this.#secret = secret
    // Browsers accept the prefix over https only, and then from this host only.
    this.#name = isHttps ? '__Host-session' : 'session'
    this.#options = { httpOnly: true, sameSite: 'Lax', path: '/', secure: isHttps, maxAge: oneYear }
  }

  /** Finds out who sends each request. */
  get middleware() {
    return createMiddleware<AppEnvironment>(async (context, next) => {
      const token = await getSignedCookie(context, this.#secret, this.#name)
      const session = token ? await findSession(this.#queries, token) : undefined
      if (session) await touchSession(this.#queries, session)
      context.set('session', session)
      await next()
    })
  }

  /** Who sends a request that is not the app's own to answer. */
  async sessionOf(request: Request): Promise<CurrentSession | undefined> {
    const cookies = await parseSigned(request.headers.get('cookie') ?? '', this.#secret, this.#name)
    const token = cookies[this.#name]
    return token ? await findSession(this.#queries, token) : undefined
  }

  /** Signs a user in. */
  async start(context: AppContext, userId: number): Promise<void> {
    const userAgent = context.req.header('user-agent') ?? ''
    const ipAddress = context.env?.clientAddress ?? ''
    const token = await startSession(this.#queries, userId, { userAgent, ipAddress })
    await setSignedCookie(context, this.#name, token, this.#secret, this.#options)
  }

  /** Makes the browser forget its session. */
  clear(context: Context): void {
    deleteCookie(context, this.#name, this.#options)
  }
}

/** Lets only those through who are signed in; the others are shown the way. */
export const signedIn = createMiddleware<AppEnvironment & { Variables: { session: CurrentSession } }>(
  async (context, next) => {
    if (!context.var.session) return context.redirect('/sign_in', 303)
    return next()
  },
)
