import { hostname } from 'node:os'
import { ProcessSeat, type Transaction } from '../../database/index.ts'
import type { PresenceEngine } from './entry.ts'
import { deleteProcess, insertProcess, selectProcess } from './sql.ts'

/** The kind of the files that processes hold locked which have presences. */
export const seatKind = 'presence'

/**
 * What this process is known by in the table of presences: a row, and a file that it holds locked as long as it lives. Taken with the
 * first presence, so that a process without any costs nothing.
 */
export class Seat {
  readonly #engine: PresenceEngine
  #place: ProcessSeat | undefined

  constructor(engine: PresenceEngine) {
    this.#engine = engine
  }

  /** Stands in the row of the process; `undefined` before the first presence. */
  get token(): string | undefined {
    return this.#place?.name
  }

  /** The id of the process, whose row is made if it is not there: at first, and when the table comes from a backup. */
  confirm(tx: Transaction): number {
    this.#place ??= ProcessSeat.take(this.#engine.database.path, seatKind)
    const token = this.#place.name
    const known = tx.get<{ id: number }>(selectProcess, [token])
    if (known !== undefined) return known.id
    const values = [token, `${hostname()}:${process.pid}`, this.#engine.clock.now()]
    return tx.get<{ id: number }>(insertProcess, values)!.id
  }

  /** Takes the row away, when nothing refers to it any more. */
  signOff(tx: Transaction): void {
    const row = this.#place && tx.get<{ id: number }>(selectProcess, [this.#place.name])
    if (row) tx.run(deleteProcess, [row.id])
  }

  /** Lets the file go: from now on the process counts as ended. */
  leave(): void {
    this.#place?.[Symbol.dispose]()
    this.#place = undefined
  }
}
