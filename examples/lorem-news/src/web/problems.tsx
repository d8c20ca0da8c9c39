import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { NotFoundError, NotYoursError } from '../models/errors.ts'
import { ErrorPage } from '../views/error.tsx'
import type { AppContext } from './environment.ts'
import { page } from './page.ts'

const titles: Readonly<Record<number, string>> = {
  403: 'Not allowed',
  404: 'Not found',
  413: 'Too large',
  503: 'Busy',
}

/** Where errors that nobody expected are written down. */
export interface ErrorLog {
  error(fields: Record<string, unknown>, message: string): void
}

/** Answers a request that failed, with a page that looks like the app. What nobody expected goes to the log. */
export const answerError = (log: ErrorLog) => async (error: Error, context: AppContext) => {
  if (error instanceof NotFoundError) return problem(context, 404, error.message)
  if (error instanceof NotYoursError) return problem(context, 403, error.message)
  if (error instanceof HTTPException) return problem(context, error.status, refusal(error))
  const code = String((error as { code?: unknown }).code)
  // Somebody's account was deleted while they were writing.
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY')
    return problem(context, 404, 'This has been deleted meanwhile.')
  const { method, path } = context.req
  const { requestId } = context.env ?? {}
  log.error({ requestId, error: code.includes('BUSY') ? error.message : error }, `${method} ${path} failed`)
  if (error.name === 'BusyError') return problem(context, 503, 'Too many are writing just now. Try again.')
  return problem(context, 500, 'Something went wrong on our side. It has been logged.')
}

/** Answers a request for a page that does not exist. */
export const answerNotFound = (context: AppContext) => problem(context, 404, 'There is no such page.')

const refusal = (error: HTTPException) =>
  error.status === 403 ? 'This request does not come from our own pages, so it was refused.' : error.message

const problem = (context: AppContext, status: ContentfulStatusCode, message: string) =>
  page(
    context,
    <ErrorPage
      title={titles[status] ?? 'Something went wrong'}
      message={message}
      session={context.var.session}
    />,
    status,
  )
