import { AsyncLocalStorage } from 'node:async_hooks'
import { StateError } from '../../core/index.ts'
import type { CommitNotice, Transaction } from '../../database/index.ts'
import { Claimer, type Claim } from './claimer.ts'
import { cancelTopic, jobsTopic, type Engine, type Loop } from '../engine.ts'
import { Finisher } from './finisher.ts'
import { Parking } from './parking.ts'
import { Performing } from '../perform/performing.ts'
import { Promotion } from './promotion.ts'
import { QueueOrder, type Queues } from './queue-order.ts'
import { Rescue, type Death } from './rescue.ts'
import { RunningJob, type ClaimedRow, type Finish } from '../perform/running-job.ts'
import { selectCancelledJobs } from '../sql.ts'
import type { WorkerStats } from '../stats.ts'
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
/** How many jobs are claimed ahead at most. */
const mostAhead = 100
/** How long a job that was claimed ahead waits for its slot, in milliseconds. */
const longestPrefetch = 25
const givenBack: Finish = { state: 'available', isUncounted: true }
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
  /** Whether there are jobs that must not run twice. */
  readonly #hasMostlyOnce: boolean
  readonly #performing: Performing
  readonly #running: ReadonlySet<RunningJob>
  /** Claimed, and begun as soon as a slot is free. */
  #prefetched: RunningJob[] = []
  #prefetchTimer: NodeJS.Timeout | undefined
  #seat: WorkerSeat | undefined
  #rescue: Rescue | undefined
  #finished: RunningJob[] = []
  #enter: <Result>(work: () => Result) => Result = (work) => work()
  #unsubscribe: (() => void) | undefined
  #turning: Promise<void> | undefined
  #mayHaveWork = false
  #isTaking = false
  #isStopped = false
  #idle: (() => void) | undefined

  constructor(engine: Engine, options: WorkerOptions) {
    this.#engine = engine
    this.#options = options
    this.#queues = new QueueOrder(options.queues)
    this.#claimer = new Claimer(engine, this.#queues, options.ageing)
    this.#finisher = new Finisher(engine)
    this.#performing = new Performing(engine, this.#finisher, (job) => this.#ended(job))
    this.#running = this.#performing.running
    this.#parking = new Parking(engine)
    this.#hasMostlyOnce = [...engine.definitions.keys()].some((name) => this.#isMostlyOnce(name))
    this.#promotion = new Promotion(engine, () => this.#wake())
  }

  /** What this worker does and has done. */
  stats(): WorkerStats {
    const { slots } = this.#options
    const { completed, failed } = this.#performing
    return { slots, running: this.#running.size, completed, failed }
  }

  async start(): Promise<void> {
    const { database } = this.#engine
    // Jobs must not inherit the asynchronous context of whoever happens to wake the worker: a request, a transaction.
    this.#enter = AsyncLocalStorage.snapshot()
    this.#seat = await WorkerSeat.take(this.#engine)
    this.#finisher.worker = this.#seat.name
    this.#finished = []
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
    this.#unsubscribe = database.onCommit(
      // A notice comes in the context of some write, perhaps of a transaction that has failed.
      (notice) => this.#enter(() => this.#notice(notice)),
      [jobsTopic, cancelTopic],
    )
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
    clearTimeout(this.#prefetchTimer)
    this.#returnPrefetched()
    await this.#untilIdle(timeout - grace)
    const reason = new StateError('HANDCAR_STOPPED', 'The process stops; the job will run again')
    for (const job of this.#running) job.abort('stop', reason)
    await this.#untilIdle(grace / 2)
    for (const job of this.#running) this.#giveBack(job)
    await this.#untilIdle(Math.max(grace / 2, endAt - performance.now()))
    this.#isStopped = true
    this.#performing.close()
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
        await this.#startAll(jobs)
      } catch (error) {
        this.#finished = [...finished, ...this.#finished]
        this.#mayHaveWork = true
        if (this.#isStopped) break
        this.#engine.logger.warn({ error: String(error) }, 'a turn of the jobs failed and is tried again')
        await new Promise((resolve) => setTimeout(resolve, pause))
        pause = Math.min(pause * 2, longestPause)
      }
    }
    this.#turning = undefined
    this.#tellIdle()
  }

  get #hasTurn(): boolean {
    return this.#finished.length > 0 || (this.#mayHaveWork && this.#free > 0)
  }

  get #free(): number {
    return this.#isTaking ? this.#options.slots - this.#running.size - this.#prefetched.length : 0
  }

  /**
   * How many jobs are claimed ahead of free slots: as many as will be done in a few milliseconds. None where jobs take
   * long, because another process may have a slot for them sooner.
   */
  get #ahead(): number {
    return Math.min(
      mostAhead,
      Math.floor((longestStart * this.#options.slots) / this.#performing.meanDuration),
    )
  }

  /** The one write of a turn. */
  #write(tx: Transaction, finished: readonly RunningJob[]): Claim {
    const now = this.#engine.clock.now()
    const seat = this.#seat!
    if (finished.length > 0) {
      for (const { row } of this.#finisher.write(tx, finished, now)) {
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
    const claim = this.#claimer.claim(tx, seat.id, now, free + this.#ahead)
    this.#mayHaveWork = claim.mayHaveMore
    return claim
  }

  #isMostlyOnce(name: string): boolean {
    return this.#engine.definitions.get(name)?.onCrash === 'discard'
  }

  /** A job that must not run twice begins when its claim would survive a power cut: an empty write waits for the disk. */
  async #synced(jobs: readonly RunningJob[]): Promise<readonly RunningJob[]> {
    const delicate = jobs.filter(({ row }) => this.#isMostlyOnce(row.name))
    if (delicate.length === 0) return jobs
    try {
      await this.#engine.database.write(() => undefined, { label: 'handcar.jobs.sync', durability: 'disk' })
      return jobs
    } catch (error) {
      const message = 'jobs that must not run twice are given back: the disk failed'
      this.#engine.logger.warn({ error: String(error) }, message)
      this.#unfetch(delicate, givenBack)
      return jobs.filter((job) => !delicate.includes(job))
    }
  }

  async #startAll(rows: readonly ClaimedRow[]): Promise<void> {
    const claimed = rows.map((row) => new RunningJob(row, this.#engine.definitions.get(row.name)!))
    const jobs = this.#hasMostlyOnce ? await this.#synced(claimed) : claimed
    let startedAt = performance.now()
    for (const job of jobs) {
      if (!this.#isTaking) this.#unfetch([job], givenBack)
      else if (this.#running.size < this.#options.slots) this.#start(job)
      else this.#prefetched.push(job)
      if (job.startedAt - startedAt < longestStart) continue
      await new Promise((resolve) => setImmediate(resolve))
      startedAt = performance.now()
    }
    if (this.#prefetched.length > 0)
      this.#prefetchTimer ??= setTimeout(() => this.#returnPrefetched(), longestPrefetch)
  }

  #start(job: RunningJob): void {
    job.startedAt = performance.now()
    this.#performing.start(job)
  }

  /** Jobs that were claimed for slots which did not become free as soon as thought: others may have some. */
  #returnPrefetched(): void {
    this.#prefetchTimer = undefined
    this.#unfetch(this.#prefetched, givenBack)
  }

  /** What has become of a job waits for the next turn. */
  #ended(job: RunningJob): void {
    if (job.isWritten) this.#mayHaveWork = true
    else this.#finished.push(job)
    const next = this.#isTaking ? this.#prefetched.shift() : undefined
    if (next !== undefined) this.#start(next)
    this.#turn()
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#turning === undefined && this.#running.size === 0) this.#idle?.()
  }

  /** Tells the jobs to end that were cancelled. */
  #abortCancelled(): void {
    if (this.#running.size + this.#prefetched.length === 0) return
    const cancelled = this.#engine.database.all<{ id: number; claims: number; cancel_reason: string }>(
      selectCancelledJobs,
      [this.#seat!.id],
    )
    for (const { id, claims, cancel_reason: reason } of cancelled) {
      const isIt = ({ row }: RunningJob): boolean => row.id === id && row.claims === claims
      const waiting = this.#prefetched.find(isIt)
      if (waiting) this.#unfetch([waiting], { state: 'cancelled', reason })
      for (const job of this.#running) {
        if (!isIt(job) || job.abortCause !== undefined) continue
        const message = `Job ${id} was cancelled: ${reason}`
        this.#performing.abort(job, 'cancel', new StateError('HANDCAR_JOB_CANCELLED', message))
      }
    }
  }

  #giveBack(job: RunningJob): void {
    const { id, name } = job.row
    this.#engine.logger.warn(
      { job: name, jobId: id },
      'a job was not done when the process stopped; it will run again',
    )
    this.#performing.end(job, givenBack)
  }

  /** Jobs that were claimed and not begun get another end. */
  #unfetch(jobs: readonly RunningJob[], finish: Finish): void {
    this.#prefetched = this.#prefetched.filter((job) => !jobs.includes(job))
    for (const job of jobs) {
      job.finish = finish
      this.#finished.push(job)
    }
    this.#turn()
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
