import type { Transaction } from '../../database/index.ts'
import { jobsTopic, type Engine } from '../engine.ts'
import type { QueueOrder } from './queue-order.ts'
import { Ageing } from './ageing.ts'
import { limitOf } from './limits.ts'
import { ParkingNotice } from './parking-notice.ts'
import { Rates } from './rates.ts'
import type { ClaimedRow } from '../perform/running-job.ts'
import {
  blockJob,
  claimJobs,
  countRunning,
  holdJob,
  holdJobs,
  parkJob,
  postponeJob,
  releaseKey,
} from '../sql.ts'

/** How often one turn goes on when all that it claimed had to be given back. */
const mostRounds = 20
/** How many jobs of a paused name are set aside at once. */
const heldAtOnce = 1_000

/** What a claim came to. */
export interface Claim {
  readonly jobs: ClaimedRow[]
  /** Whether there may be more to claim. */
  readonly mayHaveMore: boolean
}

/**
 * Takes jobs for free slots, all in the transaction of one turn. A job's limit is counted over the rows that run at this
 * moment, and its rate is taken from its bucket, in the same transaction: nothing can leak when a process dies.
 *
 * What may not run now leaves the index of the claim (it is blocked, scheduled, or parked), so that the next claim does not
 * meet it again.
 */
export class Claimer {
  readonly #engine: Engine
  readonly #queues: QueueOrder
  readonly #ageing: Ageing
  readonly #notice: ParkingNotice

  /** @param ageing After how many milliseconds a job counts as one step of priority smaller; 0: never. */
  constructor(engine: Engine, queues: QueueOrder, ageing: number) {
    this.#engine = engine
    this.#ageing = new Ageing(ageing)
    this.#notice = new ParkingNotice(engine.logger)
    this.#queues = queues
  }

  /** Claims up to `free` jobs: each queue its share first, and then what the others leave. */
  claim(tx: Transaction, worker: number, now: number, free: number): Claim {
    const jobs: ClaimedRow[] = []
    let queues = this.#queues.next(tx)
    if (queues.some(({ share }) => share < 1)) {
      queues = queues.filter(({ name, share }) => {
        const portion = Math.min(free - jobs.length, Math.ceil(free * share))
        return this.#claimFrom(tx, worker, name, now, portion, jobs)
      })
    }
    let mayHaveMore = false
    for (const { name } of queues) {
      if (this.#claimFrom(tx, worker, name, now, free - jobs.length, jobs)) mayHaveMore = true
    }
    return { jobs, mayHaveMore }
  }

  /** Returns whether the queue may have more. */
  #claimFrom(
    tx: Transaction,
    worker: number,
    queue: string,
    now: number,
    portion: number,
    jobs: ClaimedRow[],
  ): boolean {
    const enough = jobs.length + portion
    if (portion > 0 && this.#engine.queueLimits.placesOf(queue, tx) > 0)
      this.#admit(tx, this.#ageing.claim(tx, worker, queue, now), now, jobs)
    for (let round = 0; round < mostRounds; round++) {
      const wanted = Math.min(enough - jobs.length, this.#engine.queueLimits.placesOf(queue, tx))
      if (wanted <= 0) return jobs.length >= enough
      const claimed = tx.all<ClaimedRow>(claimJobs, [now, worker, queue, wanted])
      this.#admit(tx, inOrder(claimed), now, jobs)
      if (claimed.length < wanted) return false
    }
    return true
  }

  /** Keeps what may run now, and gives the others back. */
  #admit(tx: Transaction, claimed: ClaimedRow[], now: number, jobs: ClaimedRow[]): void {
    let places: Map<string, number> | undefined
    let rates: Rates | undefined
    let held: string | undefined
    const { pausedNames } = this.#queues
    for (const row of claimed) {
      if (pausedNames.has(row.name)) {
        tx.run(holdJob, [row.id])
        held = row.queue
        continue
      }
      const definition = this.#engine.definitions.get(row.name)
      if (definition === undefined) {
        const reason = `parked: a process knew no job "${row.name}"`
        tx.run(parkJob, [reason, row.id])
        this.#notice.tell(row.name, row.id, reason)
        // Another process may know it.
        tx.touch(jobsTopic)
        continue
      }
      if (row.limit_key !== null) {
        places ??= placesOf(tx, claimed, this.#engine)
        const left = places.get(row.limit_key)!
        if (left <= 0) {
          tx.run(blockJob, [row.id])
          continue
        }
        places.set(row.limit_key, left - 1)
      }
      if (row.rate_key !== null && row.rate_reserved_at === null && definition.rate !== undefined) {
        rates ??= new Rates(tx, now)
        const at = rates.take(row.rate_key, definition.rate)
        if (at > now) {
          tx.run(postponeJob, [at, at, row.id])
          if (row.limit_key !== null) places!.set(row.limit_key, places!.get(row.limit_key)! + 1)
          continue
        }
      }
      if (row.unique_while === 'waiting' && (row.unique_until ?? 0) <= now) tx.run(releaseKey, [row.id])
      jobs.push(row)
    }
    if (held !== undefined) tx.run(holdJobs, [held, heldAtOnce])
  }
}

/** How many of the claimed jobs of each key may run. The count has all of them in it already. */
function placesOf(
  tx: Transaction,
  claimed: readonly ClaimedRow[],
  { definitions }: Engine,
): Map<string, number> {
  const places = new Map<string, number>()
  const claims = new Map<string, number>()
  for (const { limit_key: key } of claimed) if (key !== null) claims.set(key, (claims.get(key) ?? 0) + 1)
  for (const { limit_key: key, limit_count, name } of claimed) {
    if (key === null || places.has(key)) continue
    const { running } = tx.get<{ running: number }>(countRunning, [key])!
    places.set(key, limitOf(definitions.get(name), limit_count) - (running - claims.get(key)!))
  }
  return places
}

/** SQLite returns the rows of an update as it meets them. */
function inOrder(rows: ClaimedRow[]): ClaimedRow[] {
  for (let index = 1; index < rows.length; index++) {
    if (compare(rows[index - 1]!, rows[index]!) > 0) return rows.sort(compare)
  }
  return rows
}

function compare(a: ClaimedRow, b: ClaimedRow): number {
  return a.priority - b.priority || a.turn - b.turn || a.id - b.id
}
