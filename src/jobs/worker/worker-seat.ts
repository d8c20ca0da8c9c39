import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { bootId } from '../../core/index.ts'
import { ProcessSeat, type Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { endWorker, insertWorker, selectSeat } from '../sql.ts'

/** The kind of the files that workers keep locked: `<database>.worker-<token>`. */
export const seatKind = 'worker'

/**
 * What a worker is known by: a row in the table of workers, whose id stands in the rows of its jobs, and the seat of its process, whose
 * name stands in that row: the file that it keeps locked as long as it lives.
 */
export class WorkerSeat {
  /** For people: `machine:pid`. */
  readonly name: string
  readonly #engine: Engine
  readonly #place: ProcessSeat
  #id = 0

  private constructor(engine: Engine, place: ProcessSeat) {
    this.#engine = engine
    this.name = `${hostname()}:${process.pid}`
    this.#place = place
  }

  get id(): number {
    return this.#id
  }

  static async take(engine: Engine): Promise<WorkerSeat> {
    const { database } = engine
    const place = ProcessSeat.take(database.path, seatKind)
    const seat = new WorkerSeat(engine, place)
    try {
      await database.write((tx) => seat.#sitDown(tx))
      return seat
    } catch (error) {
      place[Symbol.dispose]()
      throw error
    }
  }

  /** Takes it anew when its row is gone, as when the table was restored from a backup under a worker that lives. */
  confirm(tx: Transaction): void {
    if (tx.get(selectSeat, [this.#id, this.#place.name]) === undefined) this.#sitDown(tx)
  }

  #sitDown(tx: Transaction): void {
    const { pid } = process
    const now = this.#engine.clock.now()
    const values = [pid, bootId(), processStartedAt(pid) ?? '', this.#place.name, this.name, now]
    this.#id = Number(tx.run(insertWorker, values).lastInsertRowid)
  }

  /** Leaves it. One that is not left in order stays in the table, so that its jobs are given back. */
  async leave(isInOrder: boolean): Promise<void> {
    const { database, clock, logger } = this.#engine
    try {
      if (isInOrder) await database.run(endWorker, [clock.now(), this.id])
    } catch (error) {
      logger.warn({ error: String(error) }, 'a worker could not sign off')
    }
    this.#place[Symbol.dispose]()
  }
}

/** When a process was started, in ticks since the start of the machine; `undefined` where the system does not tell. */
function processStartedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
