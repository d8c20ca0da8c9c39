import { AsyncLocalStorage } from 'node:async_hooks'
import { StateError, TimeoutError } from '../core/index.ts'
import type { CommitNotice, Transaction } from '../database/index.ts'
import { Claimer, type Claim } from './claimer.ts'
import type { AnyJobDefinition } from './define-job.ts'
import { cancelTopic, jobsTopic, type Engine, type Loop } from './engine.ts'
import { failureOf, outcomeOf, resultOf } from './ending.ts'
import { finishEvent, startEvent, type StartMessage } from './events.ts'
import { Finisher } from './finisher.ts'
import { claimLost, JobContext } from './job-context.ts'
import { Outcome } from './outcome.ts'
import { Performers } from './performers.ts'
import { Parking } from './parking.ts'
import { ParkedError, readPayload } from './stored-payload.ts'
import { Promotion } from './promotion.ts'
import { QueueOrder, type Queues } from './queue-order.ts'
import { Rescue, type Death } from './rescue.ts'
import { RunningJob, type AbortCause, type ClaimedRow, type Finish } from './running-job.ts'
import { selectCancelledJobs } from './sql.ts'
import type { WorkerStats } from './stats.ts'
import { WorkerSeat } from './worker-seat.ts'

/** How a worker works. */
export interface WorkerOptions {
  /** How many jobs run at once. */
  readonly slots: number
  readonly queues: Queues
  /** After how many milliseconds a job counts as one step of priority smaller; 0: never. */
  readonly ageing: number
}

/** For how long one turn starts jobs before the event loop gets its turn, in milliseconds. */
const longestStart = 8
/** How long a job that was told to end may take to do so before it is given up, in milliseconds. */
const abandonAfter = 5_000
/** A claim or a finish that a power cut takes back only makes a job run again, so a turn does not wait for the disk. */
const turnOptions = { label: 'handcar.jobs.turn', durability: 'os' } as const
const firstPause = 50
const longestPause = 5_000

/**
 * Takes jobs and performs them:
 *
 *     wake ─► turn: one write { finishes ─► unblocking ─► promotion ─► claim } ─► perform ─► finishes of the next turn
 *
 * A turn is taken when there are finishes to write, or slots free and something to claim; never on a timer. What finishes
 * while a turn waits for the write lock is written with it.
 *
 * After a crash: claims stay with a worker that is dead, and whoever notices gives them back (`rescue.ts`). A job whose finish was not
 * written runs again.
 */
export class Worker implements Loop {
  readonly #engine: Engine
  readonly #options: WorkerOptions
  readonly #queues: QueueOrder
  readonly #claimer: Claimer
  readonly #finisher: Finisher
  readonly #promotion: Promotion
  readonly #parking: Parking
  readonly #performers = new Performers()
  /** Whether there are jobs that must not run twice. */
  readonly #hasMostlyOnce: boolean
  readonly #running = new Set<RunningJob>()
  #seat: WorkerSeat | undefined
  #rescue: Rescue | undefined
  #finished: RunningJob[] = []
  #enter: <Result>(work: () => Result) => Result = (work) => work()
  #unsubscribe: (() => void) | undefined
  #turning: Promise<void> | undefined
  #mayHaveWork = false
  #completed = 0
  #failed = 0
  #isTaking = false
  #isStopped = false
  #idle: (() => void) | undefined

  constructor(engine: Engine, options: WorkerOptions) {
    this.#engine = engine
    this.#options = options
    this.#queues = new QueueOrder(options.queues)
    this.#claimer = new Claimer(engine, this.#queues, options.ageing)
    this.#finisher = new Finisher(engine)
    this.#parking = new Parking(engine)
    this.#hasMostlyOnce = [...engine.definitions.keys()].some((name) => this.#isMostlyOnce(name))
    this.#promotion = new Promotion(engine, () => this.#wake())
  }

  /** What this worker does and has done. */
  stats(): WorkerStats {
    const { slots } = this.#options
    return { slots, running: this.#running.size, completed: this.#completed, failed: this.#failed }
  }

  async start(): Promise<void> {
    const { database } = this.#engine
    // Jobs must not inherit the asynchronous context of whoever happens to wake the worker: a request, a transaction.
    this.#enter = AsyncLocalStorage.snapshot()
    this.#seat = await WorkerSeat.take(this.#engine)
    this.#rescue = new Rescue(this.#engine, this.#seat.id)
    try {
      await this.#rescue.tidy()
      await database.write((tx) => this.#parking.unpark(tx, 3))
    } catch (error) {
      await this.#leave(true)
      throw error
    }
    this.#isTaking = true
    this.#isStopped = false
    this.#unsubscribe = database.onCommit((notice) => this.#notice(notice), [jobsTopic, cancelTopic])
    this.#look()
  }

  /**
   * Takes no more jobs, waits for those that run, tells the rest to end, and gives back what is left then, without counting the
   * attempt. What cannot be written in time stays with this worker, and is given back by whoever finds it dead.
   */
  async stop(timeout: number): Promise<void> {
    const endAt = performance.now() + timeout
    const grace = Math.min(1_000, timeout / 4)
    this.#isTaking = false
    this.#promotion.stop()
    await this.#untilIdle(timeout - grace)
    const reason = new StateError('HANDCAR_STOPPED', 'The process stops; the job will run again')
    for (const job of this.#running) job.abort('stop', reason)
    await this.#untilIdle(grace / 2)
    for (const job of this.#running) this.#giveBack(job)
    await this.#untilIdle(Math.max(grace / 2, endAt - performance.now()))
    this.#isStopped = true
    this.#performers.close()
    this.#unsubscribe?.()
    const left = this.#finished.length
    if (left > 0)
      this.#engine.logger.error(
        { jobs: left },
        'what has become of some jobs could not be written; they will run again',
      )
    await this.#leave(left === 0)
  }

  /** Gives the jobs of workers back that have died. Resolves with how many there were. */
  async rescue(death?: Death): Promise<number> {
    return (await this.#rescue?.look(death)) ?? 0
  }

  async #leave(isInOrder: boolean): Promise<void> {
    this.#rescue?.stop()
    await this.#seat?.leave(isInOrder)
    this.#seat = undefined
  }

  #notice({ topics }: CommitNotice): void {
    if (topics === undefined || topics.has(cancelTopic)) this.#abortCancelled()
    if (topics === undefined || topics.has(jobsTopic)) this.#look()
  }

  /** Takes a turn when there is something to claim, which it finds out without the write lock. */
  #look(): void {
    if (!this.#isTaking) return
    if (this.#turning !== undefined) {
      this.#mayHaveWork = true
      return
    }
    const { database } = this.#engine
    if (
      this.#promotion.arm(database) ||
      this.#queues.haveWork(database) ||
      this.#parking.isUseful(database)
    ) {
      this.#wake()
    }
  }

  #wake(): void {
    this.#mayHaveWork = true
    this.#turn()
  }

  #turn(): void {
    if (this.#turning !== undefined || !this.#hasTurn) return
    this.#turning = this.#enter(() => this.#takeTurns())
  }

  async #takeTurns(): Promise<void> {
    let pause = firstPause
    while (this.#hasTurn && !this.#isStopped) {
      let finished: RunningJob[] = []
      try {
        const turn = (tx: Transaction): Claim => {
          finished = this.#finished
          this.#finished = []
          return this.#write(tx, finished)
        }
        const { jobs } = await this.#engine.database.write(turn, turnOptions)
        pause = firstPause
        finished = []
        await this.#startAll(this.#hasMostlyOnce ? await this.#synced(jobs) : jobs)
      } catch (error) {
        this.#finished = [...finished, ...this.#finished]
        if (this.#isStopped) break
        this.#engine.logger.warn({ error: String(error) }, 'a turn of the jobs failed and is tried again')
        await new Promise((resolve) => setTimeout(resolve, pause))
        pause = Math.min(pause * 2, longestPause)
      }
    }
    this.#turning = undefined
    if (this.#running.size === 0) this.#idle?.()
  }

  get #hasTurn(): boolean {
    return this.#finished.length > 0 || (this.#mayHaveWork && this.#free > 0)
  }

  get #free(): number {
    return this.#isTaking ? this.#options.slots - this.#running.size : 0
  }

  /** The one write of a turn. */
  #write(tx: Transaction, finished: readonly RunningJob[]): Claim {
    const now = this.#engine.clock.now()
    const seat = this.#seat!
    if (finished.length > 0) {
      for (const { row } of this.#finisher.write(tx, finished, now, seat.name)) {
        this.#engine.logger.warn(
          { job: row.name, jobId: row.id },
          'the end of an attempt came too late: its job is not its own any more',
        )
      }
    }
    const free = this.#free
    if (free <= 0) return { jobs: [], mayHaveMore: true }
    this.#mayHaveWork = false
    this.#promotion.promote(tx, now)
    this.#parking.unpark(tx, 2)
    const claim = this.#claimer.claim(tx, seat.id, now, free)
    this.#mayHaveWork = claim.mayHaveMore
    return claim
  }

  #isMostlyOnce(name: string): boolean {
    return this.#engine.definitions.get(name)?.onCrash === 'discard'
  }

  /** A job that must not run twice begins when its claim would survive a power cut: an empty write waits for the disk. */
  async #synced(rows: readonly ClaimedRow[]): Promise<readonly ClaimedRow[]> {
    const delicate = rows.filter(({ name }) => this.#isMostlyOnce(name))
    if (delicate.length === 0) return rows
    try {
      await this.#engine.database.write(() => undefined, { label: 'handcar.jobs.sync', durability: 'disk' })
      return rows
    } catch (error) {
      this.#engine.logger.warn(
        { error: String(error) },
        'jobs that must not run twice are given back: the disk failed',
      )
      for (const row of delicate) {
        const job = new RunningJob(row, this.#engine.definitions.get(row.name)!)
        job.finish = { state: 'available', isUncounted: true }
        this.#finished.push(job)
      }
      return rows.filter((row) => !delicate.includes(row))
    }
  }

  async #startAll(rows: readonly ClaimedRow[]): Promise<void> {
    let startedAt = performance.now()
    for (const row of rows) {
      const job = new RunningJob(row, this.#engine.definitions.get(row.name)!)
      this.#perform(job)
      if (job.startedAt - startedAt < longestStart) continue
      await new Promise((resolve) => setImmediate(resolve))
      startedAt = performance.now()
    }
  }

  #perform(job: RunningJob): void {
    const { definition } = job
    this.#running.add(job)
    if (startEvent.hasSubscribers) startEvent.publish(messageOf(job))
    if (definition.timeout !== undefined) this.#limitTime(job, definition.timeout)
    const context = new JobContext(job, this.#engine, this.#finishHere)
    try {
      const payload = readPayload(job.row, definition)
      const returned =
        payload instanceof Promise
          ? payload.then((value) => this.#call(definition, value, context))
          : this.#call(definition, payload, context)
      if (!isPromise(returned)) return this.#succeed(job, context, returned)
      returned.then(
        (value) => this.#succeed(job, context, value),
        (error: unknown) => this.#fail(job, context, error),
      )
    } catch (error) {
      this.#fail(job, context, error)
    }
  }

  #call(definition: AnyJobDefinition, payload: unknown, context: JobContext): unknown {
    const { trace } = this.#engine
    const { row } = context.running
    if (trace !== undefined && row.trace !== null) {
      return trace.run(row.trace, () => this.#callInTrace(definition, payload, context))
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
    const conclude = (tx: Transaction, value: unknown): unknown => {
      const finish =
        value instanceof Outcome ? outcomeOf(job, value, clock.now()) : resultOf(job, value, this.#engine)
      const isOwn = this.#finisher.writeOne(tx, job, finish, clock.now(), this.#seat!.name)
      if (!isOwn) throw claimLost(job)
      return value
    }
    const value = await database.write((tx) => {
      const returned = body(tx)
      return isPromise(returned) ? returned.then((value) => conclude(tx, value)) : conclude(tx, returned)
    })
    job.isWritten = true
    return value
  }

  #succeed(job: RunningJob, _context: JobContext, value: unknown): void {
    const now = this.#engine.clock.now()
    this.#end(job, value instanceof Outcome ? outcomeOf(job, value, now) : resultOf(job, value, this.#engine))
  }

  #fail(job: RunningJob, context: JobContext, error: unknown): void {
    const { clock } = this.#engine
    if (error instanceof ParkedError) {
      this.#end(job, { state: 'available', isUncounted: true, parked: error.kind, reason: error.message })
    } else if (error instanceof Outcome) {
      this.#end(job, outcomeOf(job, error, clock.now()))
    } else {
      this.#end(job, failureOf(job, context, error, this.#engine))
    }
  }

  /** What has become of a job waits for the next turn. One that was ended before, because it was abandoned, is ignored. */
  #end(job: RunningJob, finish: Finish): void {
    if (job.finish !== undefined) return
    job.finish = finish
    if (job.timer !== undefined) clearTimeout(job.timer)
    this.#running.delete(job)
    this.#count(job, finish)
    if (job.isWritten) this.#mayHaveWork = true
    else this.#finished.push(job)
    this.#turn()
    if (this.#turning === undefined && this.#running.size === 0) this.#idle?.()
  }

  #limitTime(job: RunningJob, timeout: number): void {
    job.timer = setTimeout(() => {
      const { id, name } = job.row
      const message = `Job ${id} ("${name}") was not done after ${timeout} ms`
      this.#abort(job, 'timeout', new TimeoutError('HANDCAR_JOB_TIMEOUT', message))
    }, timeout)
  }

  /** Tells a job to end, and gives it up when it does not. */
  #abort(job: RunningJob, cause: AbortCause, reason: Error): void {
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

  #abortCancelled(): void {
    if (this.#running.size === 0) return
    const cancelled = this.#engine.database.all<{ id: number; claims: number; cancel_reason: string }>(
      selectCancelledJobs,
      [this.#seat!.id],
    )
    for (const { id, claims, cancel_reason: reason } of cancelled) {
      for (const job of this.#running) {
        if (job.row.id !== id || job.row.claims !== claims || job.abortCause !== undefined) continue
        this.#abort(
          job,
          'cancel',
          new StateError('HANDCAR_JOB_CANCELLED', `Job ${id} was cancelled: ${reason}`),
        )
      }
    }
  }

  #count(job: RunningJob, { state, error }: Finish): void {
    if (state === 'completed') this.#completed++
    else if (error !== undefined) this.#failed++
    if (!finishEvent.hasSubscribers) return
    finishEvent.publish({ ...messageOf(job), state, duration: performance.now() - job.startedAt, error })
  }

  #giveBack(job: RunningJob): void {
    const { id, name } = job.row
    this.#engine.logger.warn(
      { job: name, jobId: id },
      'a job was not done when the process stopped; it will run again',
    )
    this.#end(job, { state: 'available', isUncounted: true })
  }

  /** Waits until nothing runs and nothing is to be written, or for `timeout` milliseconds. */
  async #untilIdle(timeout: number): Promise<void> {
    if (this.#running.size === 0 && this.#turning === undefined) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, timeout))
      this.#idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#idle = undefined
  }
}

function messageOf({ row: { id, name, queue, attempt } }: RunningJob): StartMessage {
  return { id, name, queue, attempt }
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
