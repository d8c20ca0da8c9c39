import { isPromise, longestTimer, TimeoutError } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import { failureOf, outcomeOf, resultOf } from './ending.ts'
import type { Engine } from '../engine.ts'
import { finishEvent, startEvent, type StartMessage } from '../events.ts'
import type { Finisher } from '../worker/finisher.ts'
import { ParkingNotice } from '../worker/parking-notice.ts'
import { claimLost } from './claim-lost.ts'
import { JobContext } from './job-context.ts'
import { Outcome } from './outcome.ts'
import { Performers, type Replacement } from './performers.ts'
import type { Settled } from '../steps/steps.ts'
import type { AbortCause, Finish, RunningJob } from './running-job.ts'
import { recount } from './recount.ts'
import { ParkedError, readPayload } from '../definition/stored-payload.ts'

/** How long a job that was told to end may take to do so before it is given up, in milliseconds. */
const abandonAfter = 5_000
/** How much one job changes the mean duration of all. */
const weight = 0.05

/** Performs jobs that were claimed, each from its payload to what has become of it; `onEnd` has that written. */
export class Performing {
  /** The jobs that are performed at this moment. */
  readonly running = new Set<RunningJob>()
  /** How long jobs run, as a moving mean in milliseconds. */
  meanDuration = Infinity
  completed = 0
  /** Attempts that have failed. */
  failed = 0
  readonly #engine: Engine
  readonly #finisher: Finisher
  readonly #performers: Performers
  readonly #notice: ParkingNotice
  readonly #onEnd: (job: RunningJob) => void

  constructor(
    engine: Engine,
    finisher: Finisher,
    replacement: Replacement,
    onEnd: (job: RunningJob) => void,
  ) {
    this.#performers = new Performers(replacement)
    this.#engine = engine
    this.#notice = new ParkingNotice(engine.logger)
    this.#finisher = finisher
    this.#onEnd = onEnd
  }

  start(job: RunningJob): void {
    const { definition } = job
    this.running.add(job)
    if (startEvent.hasSubscribers) startEvent.publish(messageOf(job))
    if (definition.timeout !== undefined) this.#limitTime(job, definition.timeout)
    const context = new JobContext(job, this.#engine, this.#finishHere)
    try {
      const payload = readPayload(job.row, definition)
      const returned =
        payload instanceof Promise
          ? payload.then((value) => this.#call(definition, value, context))
          : this.#call(definition, payload, context)
      if (!isPromise(returned)) return this.#settle(job, context, { value: returned })
      returned.then(
        (value) => this.#settle(job, context, { value }),
        (thrown: unknown) => this.#settle(job, context, { thrown }),
      )
    } catch (thrown) {
      this.#settle(job, context, { thrown })
    }
  }

  /** Perform is over. Where it has taken steps, these have the last word. */
  #settle(job: RunningJob, context: JobContext, settled: Settled): void {
    const end = (): void => {
      if ('thrown' in settled) this.#fail(job, context, settled.thrown)
      else this.#succeed(job, settled.value)
    }
    const concluded = context.conclude(settled)
    if (concluded === undefined) return end()
    void concluded.then((ending) => (ending === undefined ? end() : this.#fail(job, context, ending.thrown)))
  }

  #call(definition: AnyJobDefinition, payload: unknown, context: JobContext): unknown {
    const { trace } = this.#engine
    const { row } = context.running
    if (trace !== undefined) {
      const perform = (): unknown => this.#callInTrace(definition, payload, context)
      return trace.run(row.trace ?? undefined, perform, messageOf(context.running))
    }
    return this.#callInTrace(definition, payload, context)
  }

  #callInTrace(definition: AnyJobDefinition, payload: unknown, context: JobContext): unknown {
    if (definition.runsIn !== 'here') return this.#performers.perform(definition, payload, context)
    if (!definition.transactional) return definition.perform(payload, context)
    return this.#finishHere(context.running, () => definition.perform(payload, context))
  }

  /** Runs a body in a transaction that also writes what has become of the job. */
  readonly #finishHere = async (job: RunningJob, body: (tx: Transaction) => unknown): Promise<unknown> => {
    const { database, clock } = this.#engine
    // What is around it may still be taken back.
    const isWhole = !database.isInTransaction
    const conclude = (tx: Transaction, value: unknown): unknown => {
      const isOwn = this.#finisher.writeOne(tx, job, this.#finishOf(job, value), clock.now())
      if (!isOwn) throw claimLost(job)
      return value
    }
    const value = await database.write((tx) => {
      const returned = body(tx)
      return isPromise(returned) ? returned.then((value) => conclude(tx, value)) : conclude(tx, returned)
    })
    if (isWhole) job.isWritten = true
    return value
  }

  #succeed(job: RunningJob, value: unknown): void {
    if (value instanceof Outcome) recount(job, this.#engine)
    this.end(job, this.#finishOf(job, value))
  }

  /** What becomes of a job that has returned. */
  #finishOf(job: RunningJob, value: unknown): Finish {
    return value instanceof Outcome
      ? outcomeOf(job, value, this.#engine.clock.now())
      : resultOf(job, value, this.#engine)
  }

  #fail(job: RunningJob, context: JobContext, error: unknown): void {
    const { clock } = this.#engine
    recount(job, this.#engine)
    if (error instanceof ParkedError) {
      this.#notice.tell(job.row.name, job.row.id, error.message)
      this.end(job, { state: 'available', isUncounted: true, parked: error.kind, reason: error.message })
    } else if (error instanceof Outcome) {
      this.end(job, outcomeOf(job, error, clock.now()))
    } else {
      this.end(job, failureOf(job, context, error, this.#engine))
    }
  }

  /** Ends a job for this process, whatever its code still does. One that has ended already is left as it is. */
  end(job: RunningJob, finish: Finish): void {
    if (job.finish !== undefined) return
    job.finish = finish
    if (job.timer !== undefined) clearTimeout(job.timer)
    this.running.delete(job)
    this.#count(job, finish)
    this.#logFailure(job, finish)
    this.#onEnd(job)
  }

  /** Somebody who looks at nothing but the log sees that jobs fail. That one ended its thread or process has been logged by then. */
  #logFailure({ row }: RunningJob, { state, error, isCrash }: Finish): void {
    if (error === undefined || (isCrash === true && state !== 'discarded')) return
    const fields = { job: row.name, jobId: row.id, attempt: row.attempt, error }
    const { logger } = this.#engine
    if (state === 'discarded') logger.error(fields, 'a job has failed and is discarded')
    else if (state !== 'cancelled') logger.warn(fields, 'an attempt of a job has failed; it is tried again')
  }

  #limitTime(job: RunningJob, timeout: number): void {
    job.timer = setTimeout(
      () => {
        const { id, name } = job.row
        const message = `Job ${id} ("${name}") was not done after ${timeout} ms`
        this.abort(job, 'timeout', new TimeoutError('HANDCAR_JOB_TIMEOUT', message))
      },
      Math.min(timeout, longestTimer),
    )
  }

  /** Tells a job to end, and gives it up when it does not. */
  abort(job: RunningJob, cause: AbortCause, reason: Error): void {
    job.abort(cause, reason)
    clearTimeout(job.timer)
    job.timer = setTimeout(() => {
      const { id, name } = job.row
      this.#engine.logger.warn(
        { job: name, jobId: id },
        'a job does not end when its signal says so; it is given up',
      )
      this.#fail(job, new JobContext(job, this.#engine, this.#finishHere), reason)
    }, abandonAfter)
  }

  /** Ends all threads and processes of jobs. */
  close(): void {
    this.#performers.close()
  }

  #count(job: RunningJob, { state, error }: Finish): void {
    const duration = performance.now() - job.startedAt
    this.meanDuration =
      this.meanDuration === Infinity ? duration : this.meanDuration + weight * (duration - this.meanDuration)
    if (state === 'completed') this.completed++
    else if (error !== undefined) this.failed++
    if (finishEvent.hasSubscribers) finishEvent.publish({ ...messageOf(job), state, duration, error })
  }
}

function messageOf({ row: { id, name, queue, attempt } }: RunningJob): StartMessage {
  return { id, name, queue, attempt }
}
