import type { RequestEnvironment } from 'handcar/server'
import type { Context } from 'hono'
import type { CurrentSession } from '../models/sessions.ts'

/** What travels with each request. */
export interface AppEnvironment {
  /** Empty in tests, which call the app without a socket. */
  Bindings: Partial<RequestEnvironment> | undefined
  Variables: { session: CurrentSession | undefined }
}

/** A request and its answer. */
export type AppContext = Context<AppEnvironment>
