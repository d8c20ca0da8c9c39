import { describeFailure, restoreFailure } from '../../core/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import { answerCall } from '../steps/answer-call.ts'
import { Suspension } from '../steps/suspension.ts'
import type { JobContext } from './job-context.ts'
import { Outcome } from './outcome.ts'
import { CrashError, startProcess, startThread, type PerformerChild } from './performer-child.ts'
import type { PerformerReport, RemoteJob } from './performer-protocol.ts'

/** How long a job that was told to end may go on before its thread or process is ended, in milliseconds. */
const killAfter = 2_000
/** How long a thread or process waits for its next job, in milliseconds. */
const idleFor = 30_000

/** When a thread or process is replaced that has performed jobs. */
export interface Replacement {
  /** After so many jobs. */
  readonly maxJobs: number | undefined
  /** When the process has more memory than so many bytes after a job; a thread gets no larger heap. */
  readonly maxRss: number | undefined
}

interface Performer {
  readonly child: PerformerChild
  jobs: number
  /** Of the job that it performs. */
  onReport: ((report: PerformerReport) => void) | undefined
  onEnd: ((how: string) => void) | undefined
  idleTimer: NodeJS.Timeout | undefined
}

/**
 * The threads and processes of the jobs that do not run on this thread (`runsIn`): as many as such jobs run at once, each
 * kept for the next job of its kind. When one dies, it is the death of the job that it performed, and of no other.
 */
export class Performers {
  readonly #idle = { thread: [] as Performer[], process: [] as Performer[] }
  readonly #all = new Set<Performer>()
  readonly #replacement: Replacement

  constructor(replacement: Replacement) {
    this.#replacement = replacement
  }

  /** Performs a job in a thread or process. Throws {@link CrashError} when that dies. */
  async perform(definition: AnyJobDefinition, payload: unknown, context: JobContext): Promise<unknown> {
    const isInBatch = context.running.row.batch_id !== null
    return this.#perform(definition, payload, context, isInBatch ? await context.needs() : {})
  }

  #perform(
    definition: AnyJobDefinition,
    payload: unknown,
    context: JobContext,
    needs: RemoteJob['needs'],
  ): Promise<unknown> {
    const kind = definition.runsIn as 'thread' | 'process'
    const performer = this.#idle[kind].pop() ?? this.#start(kind)
    clearTimeout(performer.idleTimer)
    const { child } = performer
    const { id, name, attempt, maxAttempts, signal, storedSteps } = context
    const { claims, crashes } = context.running.row
    const { maxPayload } = context.engine
    child.hold(true)
    return new Promise<unknown>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const abort = (): void => {
        child.send({ type: 'abort', reason: describeFailure(signal.reason) })
        timer = setTimeout(() => child.kill(), killAfter)
      }
      const release = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        performer.onReport = undefined
        performer.onEnd = undefined
      }
      performer.onReport = (report) => {
        if (report.type === 'progress') {
          context.progress(report.value).catch(() => {})
        } else if (report.type === 'log') {
          context.log(report.text).catch(() => {})
        } else if (report.type === 'call') {
          void answerCall(storedSteps, report).then((answer) => child.send(answer))
        } else {
          release()
          this.#rest(kind, performer, report.rss)
          if (report.type === 'done') resolve(report.value)
          else if (report.type === 'suspended')
            resolve(new Suspension(report.wakeAt, report.names).outcome(id, context.engine))
          else if (report.type === 'outcome') resolve(new Outcome(report.kind, report.delay, report.reason))
          else reject(restored(report))
        }
      }
      performer.onEnd = (how) => {
        release()
        reject(
          signal.aborted
            ? (signal.reason as Error)
            : new CrashError(`the ${kind} of the job died ${how} while the job ran`),
        )
      }
      signal.addEventListener('abort', abort)
      try {
        child.send({
          type: 'perform',
          file: definition.file!.href,
          payload,
          job: { id, name, attempt, maxAttempts, claims, crashes, maxPayload, needs },
        })
        if (signal.aborted) abort()
      } catch (error) {
        // What cannot be sent, such as a function in what a schema has made of the payload.
        release()
        this.#rest(kind, performer, 0)
        reject(error)
      }
    })
  }

  /** Ends all threads and processes. */
  close(): void {
    for (const { child, idleTimer } of this.#all) {
      clearTimeout(idleTimer)
      child.kill()
    }
  }

  #start(kind: 'thread' | 'process'): Performer {
    const child = kind === 'thread' ? startThread(this.#replacement.maxRss) : startProcess()
    const performer: Performer = {
      child,
      jobs: 0,
      onReport: undefined,
      onEnd: undefined,
      idleTimer: undefined,
    }
    this.#all.add(performer)
    child.listen(
      (report) => performer.onReport?.(report),
      (how) => {
        clearTimeout(performer.idleTimer)
        this.#all.delete(performer)
        this.#idle[kind] = this.#idle[kind].filter((each) => each !== performer)
        performer.onEnd?.(how)
      },
    )
    return performer
  }

  #rest(kind: 'thread' | 'process', performer: Performer, rss: number): void {
    const { maxJobs = Infinity, maxRss = Infinity } = this.#replacement
    performer.jobs++
    if (performer.jobs >= maxJobs || (kind === 'process' && rss > maxRss)) return performer.child.kill()
    performer.child.hold(false)
    performer.idleTimer = setTimeout(() => performer.child.kill(), idleFor).unref()
    this.#idle[kind].push(performer)
  }
}

/** The error of another thread, with its own name and stack. */
function restored({ name, failure }: Extract<PerformerReport, { type: 'failed' }>): Error {
  if (failure.code !== undefined) return restoreFailure(failure, 'HANDCAR_JOB_CANCELLED')
  const error = new Error(failure.message.replace(`${name}: `, ''))
  if (name !== '') error.name = name
  if (failure.stack !== undefined) error.stack = failure.stack
  return error
}
