import { setTimeout as sleep } from 'node:timers/promises'
import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import type { RunningJob } from '../perform/running-job.ts'
import type { Claim, Claimer } from './claimer.ts'
import type { Finisher } from './finisher.ts'
import type { HeldJobs } from './held-jobs.ts'
import type { Parking } from './parking.ts'
import type { Promotion } from './promotion.ts'
import type { WorkerSeat } from './worker-seat.ts'

/** A claim or a finish that a power cut takes back only makes a job run again, so a turn does not wait for the disk. */
const options = { label: 'handcar.jobs.turn', durability: 'os' } as const
/** How many jobs one turn claims at most, and how many it finishes, so that it is short also where there are thousands of slots. */
const mostAtOnce = 500
/** Turns that took less together are followed by no pause, so that few jobs are not held up, in milliseconds. */
const shortestPause = 1
const firstPause = 50
const longestPause = 5_000

/** What a turn is made of. */
export interface TurnPieces {
  readonly engine: Engine
  readonly held: HeldJobs
  readonly finisher: Finisher
  readonly promotion: Promotion
  readonly parking: Parking
  readonly claimer: Claimer
}

/**
 * The turns of a worker, one after the other: a single write that finishes, unblocks, promotes and claims. One is taken when there
 * are finishes to write, or slots free and something to claim; never on a timer. What finishes while a turn waits for the
 * write lock is written with it. A turn that fails is tried again, so that no finish is lost; with fewer of them, so that one that cannot
 * be written does not hold up the others for long.
 */
export class Turns {
  /** Whether there may be something to claim. */
  mayHaveWork = false
  readonly #pieces: TurnPieces
  readonly #pace: 'full' | 'half'
  readonly #onEnd: () => void
  #seat: WorkerSeat | undefined
  #isStopped = false
  #isTurning = false
  #mostFinishes = mostAtOnce
  /** Leaves the asynchronous context of whoever happens to wake the worker: a request, a transaction. */
  #enter: <Result>(work: () => Result) => Result = (work) => work()

  /**
   * @param pace `'half'`: turns one after the other are followed by a pause as long as they were.
   * @param onEnd Called when there is nothing to do any more.
   */
  constructor(pieces: TurnPieces, pace: 'full' | 'half', onEnd: () => void) {
    this.#pieces = pieces
    this.#pace = pace
    this.#onEnd = onEnd
  }

  /** Whether one is under way. */
  get isTurning(): boolean {
    return this.#isTurning
  }

  start(seat: WorkerSeat, enter: <Result>(work: () => Result) => Result): void {
    this.#seat = seat
    this.#enter = enter
    this.#isStopped = false
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Takes a turn if there is something to do and none is under way. */
  take(): void {
    if (this.#isTurning || !this.#isDue) return
    this.#isTurning = true
    void this.#enter(() => this.#takeAll())
  }

  async #takeAll(): Promise<void> {
    const { engine, held } = this.#pieces
    let pause = firstPause
    let busyFor = 0
    while (this.#isDue && !this.#isStopped) {
      let finished: RunningJob[] = []
      const startedAt = performance.now()
      try {
        const { jobs } = await engine.database.write((tx) => {
          finished = held.finished.splice(0, this.#mostFinishes)
          return this.#write(tx, finished)
        }, options)
        pause = firstPause
        finished = []
        this.#mostFinishes = Math.min(mostAtOnce, this.#mostFinishes * 2)
        await held.startAll(jobs, this.#seat!.id)
        if (this.#pace === 'half') busyFor += performance.now() - startedAt
        if (busyFor >= shortestPause && !this.#isStopped) {
          await sleep(busyFor)
          busyFor = 0
        }
      } catch (error) {
        held.finished.push(...finished)
        if (finished.length > 0) this.#mostFinishes = Math.max(1, finished.length >> 1)
        this.mayHaveWork = true
        if (this.#isStopped) break
        engine.logger.warn({ error: String(error) }, 'a turn of the jobs failed and is tried again')
        await sleep(pause)
        pause = Math.min(pause * 2, longestPause)
      }
    }
    this.#isTurning = false
    this.#onEnd()
  }

  get #isDue(): boolean {
    const { held } = this.#pieces
    return held.finished.length > 0 || (this.mayHaveWork && held.free > 0)
  }

  /** The one write of a turn. */
  #write(tx: Transaction, finished: readonly RunningJob[]): Claim {
    const { engine, finisher, held, promotion, parking, claimer } = this.#pieces
    const now = engine.clock.now()
    if (finished.length > 0) {
      for (const { row } of finisher.write(tx, finished, now)) {
        engine.logger.warn(
          { job: row.name, jobId: row.id },
          'the end of an attempt came too late: its job is not its own any more',
        )
      }
    }
    const { free } = held
    if (free <= 0) return { jobs: [], mayHaveMore: true }
    this.mayHaveWork = false
    const seat = this.#seat!
    seat.confirm(tx)
    const isMoreDue = promotion.promote(tx, now)
    const isMoreParked = parking.unpark(tx)
    const claim = claimer.claim(tx, seat.id, now, Math.min(free + held.ahead, mostAtOnce))
    this.mayHaveWork = claim.mayHaveMore || isMoreDue || isMoreParked
    return claim
  }
}
