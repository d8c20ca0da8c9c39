import { ProcessSeat } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import type { Entry } from '../entries/entry.ts'
import type { Space } from '../spaces/space.ts'
import { seatKind } from '../seat-kind.ts'
import { breakLease, endLease, endLeasesOf, selectLease, takeLease } from '../sql.ts'
import { randomVersion } from '../tags/tags.ts'
import { readLive } from '../writes/batch-state.ts'
import { workTopic } from '../writes/writes.ts'

/** The right to make the value of a key. */
export interface Lease {
  /** Of the key. */
  readonly id: number
  /** The number of the space when it was taken. */
  readonly number: number
  readonly token: number
}

/** The lease of another process. */
export interface Other {
  readonly id: number
  readonly token: number
  readonly holder: string
}

/** What came of asking for a lease. */
export type LeaseAnswer =
  | { readonly lease: Lease }
  /** There is a value by now. */
  | { readonly entry: Entry }
  /** Another process makes it. */
  | { readonly other: Other }

/** How often those who wait for another process look whether it still lives, in milliseconds. */
const lookInterval = 25

interface Waiter {
  readonly lease: Other
  end: (dead: string | undefined) => void
}

/**
 * One process at a time makes the value of a key: the one whose lease stands in the table. The others hear of its end by the commit, and
 * look every 25 ms whether its process still lives. When it does not, exactly one of them takes the lease over.
 *
 * A write of the key takes the lease away, so that what was begun before the write is not stored after it.
 */
export class Leases {
  readonly #engine: Engine
  readonly #waiters = new Set<Waiter>()
  #seat: ProcessSeat | undefined
  #unsubscribe: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Tidies up after processes that were killed. */
  async start(): Promise<void> {
    const { database, writes } = this.#engine
    const dead = ProcessSeat.tidy(database.path, seatKind)
    if (dead.length === 0) return
    await writes.work((tx) => {
      for (const name of dead) tx.run(endLeasesOf, [name])
    }, undefined)
  }

  async stop(): Promise<void> {
    for (const waiter of this.#waiters) waiter.end(undefined)
    const seat = this.#seat
    if (seat === undefined) return
    this.#seat = undefined
    await this.#engine.writes.work((tx) => void tx.run(endLeasesOf, [seat.name]), undefined)
    seat[Symbol.dispose]()
  }

  /**
   * Asks for the lease of a key. `undefined`: the storage fails, and the value is made without one.
   *
   * @param known The version of the entry that is to be replaced, when it is still fresh; `'any'`: whatever is there is to be replaced.
   * @param dead A holder that is known to be dead.
   */
  take(
    space: Space,
    key: string,
    known: number | 'any' | undefined,
    dead: string | undefined,
  ): Promise<LeaseAnswer | undefined> {
    const engine = this.#engine
    if (!engine.faults.canWrite) return Promise.resolve(undefined)
    let seat: ProcessSeat
    let id: number
    let number: number
    try {
      seat = this.#seat ??= ProcessSeat.take(engine.database.path, seatKind)
      id = engine.spaces.idOf(space, key)
      number = space.number
    } catch (error) {
      engine.faults.report('lease', error)
      return Promise.resolve(undefined)
    }
    return engine.writes.work<LeaseAnswer | undefined>((tx) => {
      const entry = known === 'any' ? undefined : readLive(engine, tx, space, id, key)
      if (entry !== undefined && entry.version !== known) return { entry }
      if (known === 'any') tx.run(breakLease, [id])
      const before = tx.get<Omit<Other, 'id'>>(selectLease, [id])
      // One of our own is of a flight that was given up.
      const free = before?.holder === seat.name ? seat.name : (dead ?? '')
      const token = randomVersion()
      const isTaken = tx.run(takeLease, [id, token, seat.name, engine.clock.now(), free]).changes > 0
      return isTaken ? { lease: { id, number, token } } : { other: { id, ...before! } }
    }, undefined)
  }

  /** Gives a lease back without a value. */
  async end({ id, token }: Lease): Promise<void> {
    await this.#engine.writes.work((tx) => void tx.run(endLease, [id, token]), undefined)
  }

  /** Whether a lease is still held. */
  isHeld({ id, token }: { readonly id: number; readonly token: number }): boolean {
    try {
      return this.#engine.database.get<{ token: number }>(selectLease, [id])?.token === token
    } catch (error) {
      this.#engine.faults.report('lease', error)
      return true
    }
  }

  /** The file is another one: who had the file of a seat deleted together with it would be taken for dead. */
  leaveSeat(): void {
    this.#seat?.[Symbol.dispose]()
    this.#seat = undefined
  }

  /** Waits until the lease of another process has ended, or until the signal is aborted; resolves with its holder when that is dead. */
  follow(lease: Other, signal: AbortSignal): Promise<string | undefined> {
    if (signal.aborted) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const waiter: Waiter = {
        lease,
        end: (dead) => {
          this.#waiters.delete(waiter)
          if (this.#waiters.size === 0) this.#rest()
          signal.removeEventListener('abort', abort)
          resolve(dead)
        },
      }
      const abort = (): void => waiter.end(undefined)
      signal.addEventListener('abort', abort, { once: true })
      this.#waiters.add(waiter)
      this.#listen()
      this.#look()
    })
  }

  #listen(): void {
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => {
      this.#look()
      this.#lookForDead()
    }, lookInterval)
    try {
      this.#unsubscribe = this.#engine.database.onCommit(() => this.#look(), [workTopic])
    } catch (error) {
      this.#engine.faults.report('lease', error)
    }
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }

  #look(): void {
    for (const waiter of this.#waiters)
      if (this.#engine.faults.isOff || !this.isHeld(waiter.lease)) waiter.end(undefined)
  }

  #lookForDead(): void {
    const states = new Map<string, boolean>()
    for (const waiter of this.#waiters) {
      const { holder } = waiter.lease
      let isDead = states.get(holder)
      if (isDead === undefined) states.set(holder, (isDead = this.#isDead(holder)))
      if (isDead) waiter.end(holder)
    }
  }

  #isDead(holder: string): boolean {
    try {
      return holder !== this.#seat?.name && ProcessSeat.isEmpty(this.#engine.database.path, seatKind, holder)
    } catch (error) {
      this.#engine.faults.report('lease', error)
      return false
    }
  }
}
