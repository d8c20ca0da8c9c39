import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import { isBusy } from './driver.ts'
import type { LeaseClient } from './lease-client.ts'

/** Between two tries for a lock that somebody outside the lease holds, in milliseconds. Constant, so that waiting long is no disadvantage. */
const retryDelay = 1
/** How long to wait for the lease before trying SQLite's lock anyway, in milliseconds. */
const leasePatience = 50
/** Without a coordinator, the pause after a batch that was longer than `politeAfter`, in milliseconds: others poll every millisecond. */
const politePause = 2
const politeAfter = 2

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
    let waiting = this.#lease.acquire(leasePatience)
    while (true) {
      if (waiting) await waiting
      if (this.#tryBegin()) return true
      waiting = sleep(retryDelay)
      if (!goOn()) {
        this.#lease.release()
        return false
      }
    }
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

  async #rest(): Promise<void> {
    const rest = this.#restUntil - performance.now()
    if (rest > 0) await sleep(rest)
  }
}
