import { describeFailure, restoreFailure } from '../../core/index.ts'
import { Outcome } from './outcome.ts'
import type { PerformerOrder, PerformerReport } from './performer-protocol.ts'

/** What `perform` gets beside its payload in a thread or a process of its own. */
export interface RemoteJobContext {
  readonly id: number
  readonly name: string
  /** 1 at the first try. */
  readonly attempt: number
  readonly maxAttempts: number
  /** Aborted when the job is cancelled, its time is over, or the process stops. The thread is ended soon after. */
  readonly signal: AbortSignal
  /** Says how far the job has come: any JSON, kept in its row. */
  progress(value: unknown): void
  /** Adds a line to the log of the job. */
  log(text: string): void
}

/** Performs jobs in a thread or a process, one at a time, as they are ordered. Returns what takes the orders. */
export function servePerformer(report: (message: PerformerReport) => void): (order: PerformerOrder) => void {
  let controller = new AbortController()
  return (order) => {
    if (order.type === 'abort') {
      controller.abort(restoreFailure(order.reason, 'HANDCAR_JOB_CANCELLED'))
      return
    }
    controller = new AbortController()
    const context: RemoteJobContext = {
      ...order.job,
      signal: controller.signal,
      progress: (value) => report({ type: 'progress', value }),
      log: (text) => report({ type: 'log', text }),
    }
    void perform(order.file, order.payload, context)
      .then(report)
      .catch((error: unknown) => {
        // What cannot be sent, such as a function as a result.
        report(failed(error))
      })
  }
}

async function perform(file: string, payload: unknown, context: RemoteJobContext): Promise<PerformerReport> {
  try {
    const module = (await import(file)) as { default?: unknown }
    if (typeof module.default !== 'function') throw new TypeError(`${file} exports no function by default`)
    return told((await module.default(payload, context)) as unknown)
  } catch (error) {
    return error instanceof Outcome ? told(error) : failed(error)
  }
}

function told(value: unknown): PerformerReport {
  if (!(value instanceof Outcome)) return { type: 'done', value, rss: process.memoryUsage.rss() }
  const { kind, delay, reason } = value
  return { type: 'outcome', kind, delay, reason, rss: process.memoryUsage.rss() }
}

function failed(error: unknown): PerformerReport {
  const name = error instanceof Error ? error.name : ''
  return { type: 'failed', name, failure: describeFailure(error), rss: process.memoryUsage.rss() }
}
