import { option, parseDuration, StateError, type Clock, type Duration } from '../../core/index.ts'
import type { Place } from './place.ts'
import { deleteLock, extendLock, selectLock } from './sql.ts'

/** The topic of whatever ends a lock. */
export const lockTopic = 'handcar.cache.locks'

export interface LockRow {
  token: number
  holder: string
  expires_at: number | null
}

/** What was written down of a lock that was taken. */
export interface Taken {
  readonly key: string
  readonly token: number
  readonly holder: string
  readonly ttl: number | null
  readonly expiresAt: number | null
}

/** How long a storage that fails is left alone, in milliseconds. */
export const pauseAfterFailure = 250

/** Whether a lock has run out. There is one answer for everybody: at `expires_at` it is over. */
export const isOver = ({ expires_at: end }: LockRow, now: number): boolean => end !== null && end <= now

/**
 * A lock that is held: what {@link Cache.lock} resolves with. It ends when it is released, when its ttl is over, or when its process ends,
 * however it ends.
 */
export class Lock implements AsyncDisposable {
  readonly key: string
  /**
   * The fencing token: larger than that of everybody who held the lock before. Give it to whatever the lock protects, which then
   * refuses what comes with a smaller one than it has seen.
   */
  readonly token: number
  readonly #holder: string
  readonly #place: Place
  readonly #clock: Clock
  readonly #ttl: number | null
  readonly #onEnd: (lock: Lock) => void
  readonly #controller = new AbortController()
  #endTimer: (() => void) | undefined
  #releasing: Promise<boolean> | undefined
  #wasReleased = false

  /** @internal */
  constructor(
    place: Place,
    clock: Clock,
    { key, token, holder, ttl, expiresAt }: Taken,
    onEnd: (lock: Lock) => void,
  ) {
    this.key = key
    this.token = token
    this.#holder = holder
    this.#place = place
    this.#clock = clock
    this.#ttl = ttl
    this.#onEnd = onEnd
    this.#arm(expiresAt)
  }

  /** Aborted when the lock is lost: its ttl is over, it was found to be somebody else's, or the cache stops. Not by a release. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Whether it is still held, as its file says now. With `store: 'app'`, inside a body of `app.write`, nobody else can take it before
   * that transaction has ended: what is written there is written under the lock.
   */
  get isHeld(): boolean {
    if (this.#releasing !== undefined || this.signal.aborted) return false
    const row = this.#place.get<LockRow>(selectLock, [this.key])
    // What was rolled back has left its token to somebody else.
    return row?.token === this.token && row.holder === this.#holder && !isOver(row, this.#clock.now())
  }

  /**
   * Holds it for another ttl from now on.
   *
   * @param ttl Default: the one that it was taken with; `null`: until it is released.
   * @returns whether it was still held; when it was not, it is lost
   */
  async extend(ttl: Duration | null = this.#ttl): Promise<boolean> {
    const length = readLockTtl(ttl, 'lock.extend ttl')
    if (this.#releasing !== undefined || this.signal.aborted) return false
    const answer = await this.#place.write((tx) => {
      const now = this.#clock.now()
      const end = length === null ? null : now + length
      return { end, changes: tx.run(extendLock, [end, this.key, this.token, this.#holder, now]).changes }
    })
    // The storage fails: it is held for as long as it was.
    if (answer === undefined) return false
    if (answer.changes === 0) this.lose('it was not held any more')
    else this.#arm(answer.end)
    return answer.changes > 0
  }

  /**
   * Lets go. Resolves with whether it was held until now; when it was let go already, with `true`. What a transaction has let go that was
   * rolled back is still held, and can be let go again. While the storage of the cache fails it is tried again until it works.
   */
  release(): Promise<boolean> {
    this.#releasing ??= this.#release().finally(() => (this.#releasing = undefined))
    return this.#releasing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release().then(() => {})
  }

  /** @internal */
  lose(why: string): void {
    this.#forget()
    const error = new StateError('HANDCAR_CACHE_LOCK_LOST', `The lock "${this.key}" was lost: ${why}`)
    this.#controller.abort(error)
  }

  async #release(): Promise<boolean> {
    this.#disarm()
    const row = await this.#place.write((tx) => {
      tx.touch(lockTopic)
      return tx.get<LockRow>(deleteLock, [this.key, this.token, this.#holder]) ?? null
    })
    if (row === undefined) {
      // The row would keep others waiting for as long as this process lives.
      const again = (): void => void this.release().catch(() => {})
      if (!this.signal.aborted) setTimeout(again, pauseAfterFailure).unref()
      return false
    }
    this.#forget()
    if (row !== null) this.#wasReleased = !isOver(row, this.#clock.now()) && !this.signal.aborted
    return this.#wasReleased
  }

  #arm(expiresAt: number | null): void {
    this.#disarm()
    if (expiresAt !== null)
      this.#endTimer = this.#clock.setTimer(() => this.lose('its ttl is over'), expiresAt)
  }

  #disarm(): void {
    this.#endTimer?.()
    this.#endTimer = undefined
  }

  #forget(): void {
    this.#disarm()
    this.#onEnd(this)
  }
}

/** Reads the ttl of a lock: milliseconds; `null`: until it is released. */
export function readLockTtl(value: unknown, name: string): number | null {
  if (value === undefined || value === null) return null
  const ttl = parseDuration(value)
  if (ttl !== undefined && ttl >= 1) return Math.round(ttl)
  throw option.invalidOption(name, "a duration of at least 1 ms, such as '30s', or null", value)
}
