import { describeFailure, restoreFailure } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import type { ResultOf } from '../definition/define-job.ts'
import { RemoteSteps } from '../steps/remote-steps.ts'
import { Steps, type Settled } from '../steps/steps.ts'
import { Suspension } from '../steps/suspension.ts'
import type { JobContext } from './job-context.ts'
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
  /** As {@link JobContext.needs}. */
  needs: JobContext['needs']
  /** As {@link JobContext.step}. The function runs here; what it returns is kept by the process that has the database. */
  step: JobContext['step']
  /** As {@link JobContext.write}, in a database of this thread or process on the same file, which must be started. */
  write<Result>(
    name: string,
    body: (tx: Transaction) => Result,
    target: { database: Database },
  ): Promise<ResultOf<Result>>
  /** As {@link JobContext.sleep}. */
  sleep: JobContext['sleep']
  /** As {@link JobContext.sleepUntil}. */
  sleepUntil: JobContext['sleepUntil']
  /** As {@link JobContext.waitForEvent}. */
  waitForEvent: JobContext['waitForEvent']
  /** As {@link JobContext.cursor}. A body of `save` needs a database, as that of `write` does. */
  cursor: JobContext['cursor']
}

/** Performs jobs in a thread or a process, one at a time, as they are ordered. Returns what takes the orders. */
export function servePerformer(report: (message: PerformerReport) => void): (order: PerformerOrder) => void {
  let controller = new AbortController()
  let stored: RemoteSteps | undefined
  return (order) => {
    if (order.type === 'abort') {
      controller.abort(restoreFailure(order.reason, 'HANDCAR_JOB_CANCELLED'))
    } else if (order.type === 'answer') {
      stored?.take(order)
    } else {
      controller = new AbortController()
      stored = new RemoteSteps({ ...order.job }, report)
      void perform(order, stored, controller.signal, report)
        .then(report)
        .catch((error: unknown) => {
          // What cannot be sent, such as a function as a result.
          report(failed(error))
        })
    }
  }
}

async function perform(
  { file, payload, job }: Extract<PerformerOrder, { type: 'perform' }>,
  stored: RemoteSteps,
  signal: AbortSignal,
  report: (message: PerformerReport) => void,
): Promise<PerformerReport> {
  const { id, name, attempt, maxAttempts, maxPayload } = job
  const steps = new Steps(stored, { name: `job "${name}"`, signal, maxPayload, isInTransaction: false })
  const context: RemoteJobContext = {
    id,
    name,
    attempt,
    maxAttempts,
    signal,
    progress: (value) => report({ type: 'progress', value }),
    log: (text) => report({ type: 'log', text }),
    needs: async () => job.needs as never,
    step: (step, run, options) => steps.step(step, run, options) as never,
    write: (step, body, target) => steps.write(step, body, target) as never,
    sleep: (step, duration) => steps.sleep(step, duration),
    sleepUntil: (step, time) => steps.sleepUntil(step, time),
    waitForEvent: (step, options) => steps.wait(step, options) as never,
    cursor: (cursor: string, initial?: unknown) => steps.cursor(cursor, initial) as never,
  }
  const settled = await call(file, payload, context)
  const ending = await steps.conclude(settled)
  if (ending !== undefined) return thrownReport(ending.thrown)
  return 'thrown' in settled ? thrownReport(settled.thrown) : told(settled.value)
}

async function call(file: string, payload: unknown, context: RemoteJobContext): Promise<Settled> {
  try {
    const module = (await import(file)) as { default?: unknown }
    if (typeof module.default !== 'function') throw new TypeError(`${file} exports no function by default`)
    return { value: (await module.default(payload, context)) as unknown }
  } catch (thrown) {
    return { thrown }
  }
}

function thrownReport(thrown: unknown): PerformerReport {
  return thrown instanceof Outcome ? told(thrown) : failed(thrown)
}

function told(value: unknown): PerformerReport {
  if (!(value instanceof Outcome)) return { type: 'done', value, rss: process.memoryUsage.rss() }
  if (value instanceof Suspension) {
    const { wakeAt, names } = value
    return { type: 'suspended', wakeAt, names, rss: process.memoryUsage.rss() }
  }
  const { kind, delay, reason } = value
  return { type: 'outcome', kind, delay, reason, rss: process.memoryUsage.rss() }
}

function failed(error: unknown): PerformerReport {
  const name = error instanceof Error ? error.name : ''
  return { type: 'failed', name, failure: describeFailure(error), rss: process.memoryUsage.rss() }
}
