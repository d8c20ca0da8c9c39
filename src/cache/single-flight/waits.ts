import type { Engine } from '../engine.ts'
import { deleteWait, insertWait, selectCircle } from '../sql.ts'
import type { Lease } from './leases.ts'

/**
 * Finds processes that wait for one another in a circle: the factory of one asks for a value that another one makes, whose factory asks
 * for the value of the first. Who has waited for long writes down which of its leases wait for it. Whoever closes a circle by that sees it, because
 * one transaction at a time does so.
 *
 * After a crash: what is written down goes with the lease, and counts only as long as that is the same.
 */
export class Waits {
  readonly #engine: Engine
  readonly #id: number
  readonly #waiting: () => readonly Lease[]
  readonly #written = new Map<number, Lease>()

  /**
   * @param id What is waited for.
   * @param waiting The leases of this process whose factories wait for it, perhaps through others.
   */
  constructor(engine: Engine, id: number, waiting: () => readonly Lease[]) {
    this.#engine = engine
    this.#id = id
    this.#waiting = waiting
  }

  /** Writes down who waits; resolves with whether they wait for themselves. */
  async isCircle(): Promise<boolean> {
    const leases = this.#waiting()
    if (leases.length === 0) return false
    for (const lease of leases) this.#written.set(lease.id, lease)
    return this.#engine.writes.work((tx) => {
      for (const { id, token } of leases) tx.run(insertWait, [id, token, this.#id])
      return leases.some(({ id }) => tx.get(selectCircle, [this.#id, id]) !== undefined)
    }, false)
  }

  /** Nobody waits any more. */
  async end(): Promise<void> {
    if (this.#written.size === 0) return
    const ids = [...this.#written.keys()]
    await this.#engine.writes.work((tx) => {
      for (const id of ids) tx.run(deleteWait, [id, this.#id])
    }, undefined)
  }
}
