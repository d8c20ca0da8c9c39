import { ProcessSeat } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import {
  deleteWorkers,
  hasRunningJobs,
  selectOldWorkers,
  selectOtherWorkers,
  selectStrayWorkers,
} from '../sql.ts'
import { freePlaces } from './free-places.ts'
import { giveBackJobs } from './giving-back.ts'
import { seatKind, type WorkerSeat } from './worker-seat.ts'

/** What is known of a process that died. */
export interface Death {
  /** Its pid. */
  pid: number
  /** The signal that ended it. */
  signal?: string | undefined
  /** Its exit code. */
  exitCode?: number | undefined
}

interface WorkerRow {
  id: number
  pid: number
  lock: string
  name: string
}

/** How often the other workers are looked at while they run jobs, in milliseconds. */
const lookInterval = 10_000
/** How long the row of a worker is kept after its end, in milliseconds. */
const keptFor = 30 * 24 * 3_600_000

/**
 * Gives the jobs of dead workers back. A worker is dead when the file is not locked that it holds as long as it lives; nobody has to
 * wait for a lease to run out, and a process that only stands still keeps its jobs.
 *
 * It looks at the start, every ten seconds while another worker has running jobs, and when somebody who knows says so
 * (`jobs.rescue()`: the supervisor, when a process has ended).
 */
export class Rescue {
  readonly #engine: Engine
  readonly #seat: WorkerSeat
  readonly #deaths: readonly Death[]
  readonly #timer: NodeJS.Timeout

  /** @param deaths What is known of processes that have died; may grow. */
  constructor(engine: Engine, seat: WorkerSeat, deaths: readonly Death[]) {
    this.#engine = engine
    this.#seat = seat
    this.#deaths = deaths
    // This timer is what keeps a process alive that does nothing but work on jobs.
    this.#timer = setInterval(() => void this.#lookAgain(), lookInterval)
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.look()
      await freePlaces(this.#engine)
    } catch (error) {
      this.#engine.logger.warn({ error: String(error) }, 'the look for dead workers failed')
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Once, before a worker begins: what a crash or an older version left behind. */
  async tidy(): Promise<void> {
    const { database, clock } = this.#engine
    await this.look(true)
    if (database.get(selectOldWorkers, [clock.now() - keptFor]) !== undefined)
      await database.run(deleteWorkers, [clock.now() - keptFor])
    await freePlaces(this.#engine)
  }

  /** Looks at all other workers; `isFirst`: also at those that have no jobs. */
  async look(isFirst = false): Promise<number> {
    const { database } = this.#engine
    let rescued = 0
    for (const worker of database.all<WorkerRow>(selectOtherWorkers, [this.#seat.id])) {
      const death = this.#deaths.findLast(({ pid }) => pid === worker.pid)
      const isSuspect = isFirst || death !== undefined
      if (!isSuspect && database.get(hasRunningJobs, [worker.id]) === undefined) continue
      using heir = ProcessSeat.inherit(database.path, seatKind, worker.lock)
      if (heir === undefined) continue
      rescued += await database.write((tx) => giveBackJobs(tx, this.#engine, worker, death))
    }
    return rescued + (await this.#lookForStrays())
  }

  /** Jobs that run at a worker of whom nothing is known any more: the table comes from a backup, or somebody has deleted rows. */
  async #lookForStrays(): Promise<number> {
    const { database } = this.#engine
    const strays = database.all<{ worker_id: number | null }>(selectStrayWorkers)
    if (strays.length === 0) return 0
    return database.write((tx) =>
      tx
        .all<{ worker_id: number }>(selectStrayWorkers)
        .reduce(
          (sum, { worker_id: id }) =>
            sum + giveBackJobs(tx, this.#engine, { id, name: `number ${id}` }, undefined),
          0,
        ),
    )
  }
}
