import type { Dispatcher } from 'undici'
import type { RequestPlan } from './plan.ts'

/** What became of a request. */
export interface Exchange {
  /** `200`, `302>200`, an error's code, or `wrong body`. */
  readonly outcome: string
  readonly verdict: 'right' | 'gone' | 'failed'
  readonly acknowledged?: string
}

interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly body: Buffer
}

/** Sends one request, follows its redirect where the plan says so, and checks what came back. Never throws. */
export async function exchange(pool: Dispatcher, plan: RequestPlan, timeout: number): Promise<Exchange> {
  try {
    const first = await send(pool, plan.method, plan.path, timeout)
    const created = acknowledgement(plan, first)
    if (!plan.follow || !first.location) return { ...judge(plan, first, plan.statuses, ''), ...created }
    const second = await send(pool, 'GET', pathOf(first.location), timeout)
    return { ...judge(plan, second, [200], `${first.status}>`), ...created }
  } catch (error) {
    return { outcome: (error as { code?: string }).code ?? String(error), verdict: 'failed' }
  }
}

function judge(plan: RequestPlan, answer: Answer, statuses: readonly number[], before: string): Exchange {
  const outcome = `${before}${answer.status}`
  if (plan.mayBeGone && answer.status === 404) return { outcome, verdict: 'gone' }
  if (!statuses.includes(answer.status)) return { outcome, verdict: 'failed' }
  const complete =
    answer.location !== undefined || plan.marker === undefined || answer.body.includes(plan.marker)
  return complete ? { outcome, verdict: 'right' } : { outcome: `${outcome} wrong body`, verdict: 'failed' }
}

function acknowledgement(plan: RequestPlan, answer: Answer): { acknowledged?: string } {
  if (!plan.statuses.includes(answer.status)) return {}
  if (plan.acknowledgedBy === 'location' && answer.location) return { acknowledged: pathOf(answer.location) }
  if (plan.acknowledgedBy === 'body') return { acknowledged: answer.body.toString() }
  return {}
}

function pathOf(location: string): string {
  const url = new URL(location, 'http://localhost')
  return url.pathname + url.search + url.hash
}

function send(
  pool: Dispatcher,
  method: RequestPlan['method'],
  path: string,
  timeout: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let status = 0
    let location: string | undefined
    const chunks: Buffer[] = []
    const withoutHash = path.split('#', 1)[0]!
    pool.dispatch(
      { method, path: withoutHash, body: null, headersTimeout: timeout, bodyTimeout: timeout },
      {
        onRequestStart() {},
        onResponseStart(_controller, statusCode, headers) {
          status = statusCode
          location = headers.location as string | undefined
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk)
        },
        onResponseEnd() {
          resolve({ status, location, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) })
        },
        onResponseError(_controller, error) {
          reject(error)
        },
      },
    )
  })
}
