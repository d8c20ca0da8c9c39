import { AsyncLocalStorage } from 'node:async_hooks'
import { longestTimer } from '../../core/index.ts'
import type { CommitNotice } from '../../database/index.ts'
import { cancelTopic, jobsTopic, type Engine, type Loop } from '../engine.ts'
import type { WorkerStats } from '../stats.ts'
import { Claimer } from './claimer.ts'
import { Finisher } from './finisher.ts'
import { HeldJobs } from './held-jobs.ts'
import { Parking } from './parking.ts'
import { Promotion } from './promotion.ts'
import { QueueOrder, type Queues } from './queue-order.ts'
import { Rescue, type Death } from './rescue.ts'
import { Turns } from './turns.ts'
import { WorkerSeat } from './worker-seat.ts'

/** How a worker works. */
export interface WorkerOptions {
  /** How many jobs run at once. */
  readonly slots: number
  readonly queues: Queues
  /** After how many milliseconds a job counts as one step of priority smaller; 0: never. */
  readonly ageing: number
  /** How much of the time its turns may take. */
  readonly pace: 'full' | 'half'
  /** When threads and processes of jobs are replaced. */
  readonly maxJobs: number | undefined
  readonly maxRss: number | undefined
}

/** How many deaths of other processes are remembered. */
const mostDeaths = 64

/** How often it looks for jobs that nobody has told of, in milliseconds. */
const peekInterval = 10_000

/**
 * Takes jobs and performs them:
 *
 *     wake ─► turn: one write { finishes ─► unblocking ─► promotion ─► claim } ─► perform ─► finishes of the next turn
 *
 * It is woken by commits and by the timer of the earliest scheduled job. Only for jobs that SQL has inserted in this app without a
 * word, such as a trigger, it looks every ten seconds, which reads a page or two and writes nothing.
 *
 * After a crash: claims stay with a worker that is dead, and whoever notices gives them back (`rescue.ts`). A job whose finish was not
 * written runs again.
 */
export class Worker implements Loop {
  readonly #engine: Engine
  readonly #slots: number
  readonly #queues: QueueOrder
  readonly #finisher: Finisher
  readonly #promotion: Promotion
  readonly #parking: Parking
  readonly #held: HeldJobs
  readonly #turns: Turns
  readonly #deaths: Death[] = []
  #seat: WorkerSeat | undefined
  #rescue: Rescue | undefined
  #unsubscribe: (() => void) | undefined
  #peekTimer: NodeJS.Timeout | undefined
  #isTaking = false
  #idle: (() => void) | undefined

  constructor(engine: Engine, options: WorkerOptions) {
    const { slots, queues, ageing, pace } = options
    this.#engine = engine
    this.#slots = slots
    this.#queues = new QueueOrder(queues)
    this.#finisher = new Finisher(engine)
    this.#parking = new Parking(engine)
    this.#promotion = new Promotion(engine, () => this.#wake())
    this.#held = new HeldJobs(engine, this.#finisher, options, () => this.#changed())
    this.#turns = new Turns(
      {
        engine,
        held: this.#held,
        finisher: this.#finisher,
        promotion: this.#promotion,
        parking: this.#parking,
        claimer: new Claimer(engine, this.#queues, ageing),
      },
      pace,
      () => this.#tellIdle(),
    )
  }

  /** What this worker does and has done. */
  stats(): WorkerStats {
    const { running, completed, failed } = this.#held.performing
    return { slots: this.#slots, running: running.size, completed, failed }
  }

  async start(): Promise<void> {
    const { database } = this.#engine
    const enter = AsyncLocalStorage.snapshot()
    this.#seat = await WorkerSeat.take(this.#engine)
    this.#finisher.worker = this.#seat.name
    this.#rescue = new Rescue(this.#engine, this.#seat, this.#deaths)
    try {
      await this.#rescue.tidy()
      await this.#parking.unparkUnreadable()
    } catch (error) {
      await this.#leave(true)
      throw error
    }
    this.#held.open()
    this.#turns.start(this.#seat, enter)
    this.#engine.isStopping = false
    this.#isTaking = true
    this.#unsubscribe = database.onCommit(
      // A notice comes in the context of some write, perhaps of a transaction that has failed.
      (notice) => enter(() => this.#notice(notice)),
      [jobsTopic, cancelTopic],
    )
    this.#peekTimer = setInterval(() => enter(() => this.#peek()), peekInterval).unref()
    this.look()
  }

  /**
   * Takes no more jobs, waits for those that run, tells the rest to end, and gives back what is left then, without counting the
   * attempt. What cannot be written in time stays with this worker, and is given back by whoever finds it dead.
   */
  async stop(timeout: number): Promise<void> {
    const endAt = performance.now() + timeout
    const grace = Math.min(1_000, timeout / 4)
    this.#engine.isStopping = true
    this.#isTaking = false
    this.#promotion.stop()
    clearInterval(this.#peekTimer)
    this.#held.close()
    await this.#untilIdle(timeout - grace)
    this.#held.abortAll()
    await this.#untilIdle(grace / 2)
    this.#held.giveBackAll()
    await this.#untilIdle(Math.max(grace / 2, endAt - performance.now()))
    this.#turns.stop()
    this.#held.performing.close()
    this.#unsubscribe?.()
    const left = this.#held.finished.length
    if (left > 0)
      this.#engine.logger.error(
        { jobs: left },
        'what has become of some jobs could not be written; they will run again',
      )
    await this.#leave(left === 0)
  }

  /**
   * Gives the jobs of workers back that have died. Resolves with how many there were. What is known of a death is remembered until
   * this worker starts, which looks for itself.
   */
  async rescue(death?: Death): Promise<number> {
    if (death !== undefined) this.#deaths.push(death)
    if (this.#deaths.length > mostDeaths) this.#deaths.shift()
    return (await this.#rescue?.look()) ?? 0
  }

  /** Takes a turn when there is something to claim, which it finds out without the write lock. */
  look(): void {
    if (!this.#isTaking) return
    if (this.#turns.isTurning) {
      this.#turns.mayHaveWork = true
      return
    }
    const { database, queueLimits } = this.#engine
    if (
      this.#promotion.arm(database) ||
      this.#queues.haveWork(database, queueLimits) ||
      this.#parking.isUseful(database)
    ) {
      this.#wake()
    }
  }

  /** Nobody would catch what a timer throws. */
  #peek(): void {
    try {
      this.look()
    } catch (error) {
      this.#engine.logger.warn({ error: String(error) }, 'the look for jobs failed and is tried again')
    }
  }

  async #leave(isInOrder: boolean): Promise<void> {
    this.#rescue?.stop()
    this.#rescue = undefined
    await this.#seat?.leave(isInOrder)
    this.#seat = undefined
  }

  #notice({ topics }: CommitNotice): void {
    if (topics === undefined || topics.has(cancelTopic)) this.#held.abortCancelled(this.#seat!.id)
    if (topics === undefined || topics.has(jobsTopic)) this.look()
  }

  #wake(): void {
    this.#turns.mayHaveWork = true
    this.#turns.take()
  }

  /** A slot may be free, or there is something to write. */
  #changed(): void {
    this.#turns.take()
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (!this.#turns.isTurning && this.#held.performing.running.size === 0) this.#idle?.()
  }

  /** Waits until nothing runs and nothing is to be written, or for `timeout` milliseconds. */
  async #untilIdle(timeout: number): Promise<void> {
    if (this.#held.performing.running.size === 0 && !this.#turns.isTurning) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(Math.max(0, timeout), longestTimer))
      this.#idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#idle = undefined
  }
}
