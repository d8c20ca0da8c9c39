import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { methodOverride } from 'hono/method-override'
import { secureHeaders } from 'hono/secure-headers'
import { benchmarkingRoutes } from './benchmarking/routes.tsx'
import type { Jobs } from 'handcar/jobs'
import type { AppDatabase } from './database/index.ts'
import { commentRoutes } from './routes/comments.tsx'
import { mailboxRoutes } from './routes/mailbox.tsx'
import { postRoutes } from './routes/posts.tsx'
import { sessionRoutes } from './routes/sessions.tsx'
import { userRoutes } from './routes/users.tsx'
import type { Settings } from './settings.ts'
import { assets } from './web/assets.ts'
import type { AppEnvironment } from './web/environment.ts'
import { answerError, answerNotFound, type ErrorLog } from './web/problems.tsx'
import { SessionCookie } from './web/session-cookie.ts'

/** A post of 50,000 characters, each of which a form can write as twelve bytes, fits in. */
const largestForm = 1024 * 1024

/** What the app needs to know. */
export type AppOptions = Pick<Settings, 'origin' | 'benchmarking'> & {
  sessionSecret: string
  logger: ErrorLog
  /** Without them nobody is sent anything: the app beside which handcar is measured has none. */
  jobs?: Jobs | undefined
  /** Whether everybody may read all mails. */
  hasMailbox?: boolean
}

/** The whole application, as a `fetch` function that any server can call. */
export function createApp(database: AppDatabase, options: AppOptions) {
  const { queries } = database
  const { origin, benchmarking, sessionSecret, logger, jobs, hasMailbox = false } = options
  const isHttps = origin?.startsWith('https:') ?? false
  const cookie = new SessionCookie(queries, { secret: sessionSecret, isHttps })
  const app = new Hono<AppEnvironment>()

  app.onError(answerError(logger))
  app.notFound(answerNotFound)
  app.use(headers(isHttps))
  if (benchmarking) app.route('/', benchmarkingRoutes(database))
  app.route('/', assets)
  app.use(csrf({ origin }))
  app.use(bodyLimit({ maxSize: largestForm, onError: tooLarge }))
  app.use(methodOverride({ app }))
  app.use(cookie.middleware)
  app.route('/', postRoutes(database))
  app.route('/', commentRoutes(database))
  app.route('/', userRoutes(database, cookie, jobs))
  app.route('/', sessionRoutes(database, cookie))
  if (hasMailbox && jobs) app.route('/', mailboxRoutes(queries, jobs))
  return app
}

const headers = (isHttps: boolean) =>
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      connectSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    strictTransportSecurity: isHttps ? 'max-age=63072000; includeSubDomains' : false,
    referrerPolicy: 'same-origin',
    xFrameOptions: 'DENY',
  })

function tooLarge(): never {
  throw new HTTPException(413, { message: 'This is more than the site accepts.' })
}
