import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import { isBusy } from './driver.ts'
import type { LeaseClient } from './lease-client.ts'
import { nextTurn, settledWithin } from './turn.ts'

/** The first tries follow one another by a turn of the event loop: most transactions, and a checkpoint's restart, are short. */
const quickTries = 5
/** Between two later tries, in milliseconds. Constant, so that waiting long is no disadvantage. */
const retryDelay = 1
/** How long to try before the lease is asked for, in milliseconds. */
const fairAfter = 10
/** How long to wait for the lease before trying SQLite's lock anyway, in milliseconds. */
const leasePatience = 50
/** Without a coordinator, the pause after a batch that was longer than `politeAfter`, in milliseconds: others poll every millisecond. */
const politePause = 2
const politeAfter = 2

/** How often writes are looked through for a deadline that has passed while all writers pause, in milliseconds. */
const pauseCheck = 25

/**
 * SQLite's write lock, taken without ever waiting inside SQLite: there the event loop would stand still. `BEGIN
 * IMMEDIATE` is tried with a zero timeout; between the tries the loop goes on serving.
 */
export class WriteLock {
  readonly #connection: Connection
  readonly #lease: LeaseClient
  #acquiredAt = 0
  #restUntil = 0

  constructor(connection: Connection, lease: LeaseClient) {
    this.#connection = connection
    this.#lease = lease
  }

  /**
   * Begins a transaction that holds the write lock.
   *
   * @param goOn Called before each further try; `false` gives up.
   * @returns whether the lock was taken
   * @throws SQLite's error when it is not about a lock
   */
  async acquire(goOn: () => boolean): Promise<boolean> {
    if (!this.#lease.isConnected) await this.#rest()
    if (this.#lease.pause && !(await this.#pause(goOn))) return false
    const startedAt = performance.now()
    if (this.#lease.isQueued) await this.#lease.acquire(leasePatience)
    let hasAsked = this.#lease.isQueued
    for (let tries = 1; !this.#tryBegin(); tries++) {
      if (!goOn()) {
        this.#lease.release()
        return false
      }
      if (!hasAsked && performance.now() - startedAt > fairAfter) {
        hasAsked = true
        await this.#lease.acquire(leasePatience)
      } else await (tries <= quickTries ? nextTurn() : sleep(retryDelay))
    }
    return true
  }

  /** Says that the transaction has ended; returns for how long the lock was held, in milliseconds. */
  released(): number {
    const now = performance.now()
    const held = now - this.#acquiredAt
    this.#restUntil = held > politeAfter ? now + politePause : 0
    this.#lease.release()
    return held
  }

  #tryBegin(): boolean {
    try {
      this.#connection.control('begin immediate')
      this.#acquiredAt = performance.now()
      return true
    } catch (error) {
      if (isBusy(error)) return false
      this.#lease.release()
      throw error
    }
  }

  /** Waits while the coordinator lets all writers pause; `false` when `goOn` gives up. */
  async #pause(goOn: () => boolean): Promise<boolean> {
    for (let pause = this.#lease.pause; pause; pause = this.#lease.pause) {
      await settledWithin(pause, pauseCheck)
      if (!goOn()) return false
    }
    return true
  }

  async #rest(): Promise<void> {
    const rest = this.#restUntil - performance.now()
    if (rest > 0) await sleep(rest)
  }
}
