import { longestTimer, option, readOptions, type Duration } from '../../core/index.ts'
import { ProcessSeat } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { checkKey } from '../entries/key.ts'
import { seatKind } from '../seat-kind.ts'
import { isOver, Lock, lockTopic, pauseAfterFailure, readLockTtl, type LockRow, type Taken } from './lock.ts'
import { Places, readStore, type Place, type Store } from './place.ts'
import { deleteLocksOf, deleteOverLocks, nextToken, putLock, selectHolders, selectLock } from './sql.ts'
import { Turns } from './turns.ts'
import { change } from './waiting.ts'

/** Options of {@link Cache.lock}. */
export interface LockOptions {
  /** How long it is held at most, unless it is extended; `null`: until it is released, or its process ends. Default: `null`. */
  ttl?: Duration | null
  /** How long to wait while somebody else holds it. Default: 0. */
  wait?: Duration
  /** Ends the waiting. */
  signal?: AbortSignal
  /**
   * Where it is kept. `'cache'`: in the cache's file, which may be lost. `'app'`: in the app's file; inside a body of `app.write` it is
   * taken, or not, with that transaction. Default: `'cache'`.
   */
  store?: Store
}

type Answer = Lock | { readonly other: LockRow } | 'failed'

const readers = {
  ttl: readLockTtl,
  wait: option.duration(0),
  signal: option.signal,
  store: readStore,
}

/**
 * Locks by name, for all processes: a row that says who holds it, and a file that the holder's process keeps locked. When the process ends
 * the kernel lets that file go, and whoever wants the lock sees it within 25 ms. A process that only stands still keeps its locks until
 * their ttl is over.
 *
 * Those of one process that wait for the same lock get it in their order.
 */
export class Locks {
  readonly #engine: Engine
  readonly #places: Places
  readonly #held = new Set<Lock>()
  readonly #turns = new Turns()
  readonly #seats = new Map<Place, ProcessSeat>()
  readonly #waiting = new Set<AbortController>()
  #lastToken = 0

  constructor(engine: Engine) {
    this.#engine = engine
    this.#places = new Places(engine)
  }

  /** Takes a lock; `undefined` when somebody else holds it, or the storage fails, for as long as `wait`. */
  async take(key: string, options: LockOptions | undefined): Promise<Lock | undefined> {
    checkKey(key)
    const { ttl, wait, signal, store } = readOptions('cache.lock', options, readers)
    signal?.throwIfAborted()
    const place = this.#places.of(store)
    if (wait === 0) {
      const answer = await this.#try(place, key, ttl)
      return answer instanceof Lock ? answer : undefined
    }
    if (place.isInTransaction)
      throw option.invalidOption('cache.lock option "wait"', 'none inside a transaction', wait)
    const end = new AbortController()
    const giveUp = (): void => end.abort()
    const timer = setTimeout(giveUp, Math.min(wait, longestTimer))
    signal?.addEventListener('abort', giveUp, { once: true })
    this.#waiting.add(end)
    try {
      const work = () => this.#wait(place, key, ttl, end.signal)
      const lock = await this.#turns.take(`${store} ${key}`, end.signal, work)
      if (signal?.aborted !== true) return lock
      await lock?.release()
      throw signal.reason
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
      this.#waiting.delete(end)
    }
  }

  /** Lets go of everything that this process holds. */
  async stop(): Promise<void> {
    for (const end of this.#waiting) end.abort()
    for (const lock of this.#held) lock.lose('the cache stops')
    for (const [place, seat] of this.#seats) {
      if (place.database.state === 'started') {
        await place.write((tx) => {
          tx.run(deleteLocksOf, [seat.name])
          tx.touch(lockTopic)
        })
      }
      seat[Symbol.dispose]()
    }
    this.#seats.clear()
  }

  async #wait(place: Place, key: string, ttl: number | null, end: AbortSignal): Promise<Lock | undefined> {
    while (!end.aborted) {
      const answer = await this.#try(place, key, ttl)
      if (answer instanceof Lock) return answer
      const againAt = performance.now() + pauseAfterFailure
      const isWorthATry = () =>
        answer === 'failed' ? performance.now() >= againAt : this.#isFree(place, key, answer.other)
      await change(place, end, isWorthATry)
    }
    return undefined
  }

  /** Whether a lock is not any more what it was, or nobody lives who could hold it. */
  #isFree(place: Place, key: string, known: LockRow): boolean {
    const row = place.get<LockRow>(selectLock, [key])
    return (
      row?.token !== known.token || isOver(row, this.#engine.clock.now()) || this.#isDead(place, row.holder)
    )
  }

  async #try(place: Place, key: string, ttl: number | null): Promise<Answer> {
    const seat = this.#takeSeat(place)
    if (seat === undefined) return 'failed'
    const { clock } = this.#engine
    // Whoever finds it held has nothing to write.
    const present = place.get<LockRow>(selectLock, [key])
    const dead = present !== undefined && this.#isDead(place, present.holder) ? present.token : undefined
    if (present !== undefined && dead === undefined && !isOver(present, clock.now()))
      return { other: present }
    const answer = await place.write((tx): Taken | { other: LockRow } => {
      const now = clock.now()
      const row = tx.get<LockRow>(selectLock, [key])
      if (row !== undefined && row.token !== dead && !isOver(row, now)) return { other: row }
      // One that was rolled back is not known to the file.
      const least = Math.max(now * 1_000, this.#lastToken + 1)
      const token = tx.get<{ last: number }>(nextToken, [least])!.last
      this.#lastToken = token
      const expiresAt = ttl === null ? null : now + ttl
      tx.run(putLock, [key, token, seat.name, expiresAt, now])
      return { key, token, holder: seat.name, ttl, expiresAt }
    })
    if (answer === undefined) return 'failed'
    if ('other' in answer) return answer
    const lock = new Lock(place, clock, answer, (ended) => this.#held.delete(ended))
    this.#held.add(lock)
    return lock
  }

  /** What this process is known by as a holder. The first time it tidies up after those that were killed. */
  #takeSeat(place: Place): ProcessSeat | undefined {
    const present = this.#seats.get(place)
    if (present !== undefined) return present
    try {
      const seat = ProcessSeat.take(place.database.path, seatKind)
      this.#seats.set(place, seat)
      this.#tidy(place)
      return seat
    } catch (error) {
      this.#engine.faults.report('lease', error)
      return undefined
    }
  }

  #tidy(place: Place): void {
    const holders = place.database.all<{ holder: string }>(selectHolders)
    if (place.store === 'app') ProcessSeat.tidy(place.database.path, seatKind)
    if (holders.length === 0 || place.isInTransaction) return
    const dead = holders.filter(({ holder }) => this.#isDead(place, holder))
    const tidied = place.write((tx) => {
      for (const { holder } of dead) tx.run(deleteLocksOf, [holder])
      tx.run(deleteOverLocks, [this.#engine.clock.now()])
    })
    tidied.catch((error: unknown) => this.#engine.faults.report('lease', error))
  }

  #isDead(place: Place, holder: string): boolean {
    try {
      return (
        holder !== this.#seats.get(place)?.name && ProcessSeat.isEmpty(place.database.path, seatKind, holder)
      )
    } catch (error) {
      this.#engine.faults.report('lease', error)
      return false
    }
  }
}
