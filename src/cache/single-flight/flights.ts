import { AsyncLocalStorage } from 'node:async_hooks'
import { StateError } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import type { Entry } from '../entries/entry.ts'
import type { Hit } from '../reads.ts'
import type { Space } from '../spaces/space.ts'
import { endLease, selectVersion, touchEntry } from '../sql.ts'
import { randomVersion } from '../tags/tags.ts'
import type { Keeping } from '../entries/entry-options.ts'
import { readFetchOptions, type Fetching, type FetchOptions } from './fetch-options.ts'
import type { Factory } from './factory.ts'
import { Flight } from './flight.ts'
import type { Lease } from './leases.ts'
import { withPatience } from './patience.ts'

/**
 * `getOrSet`: a value from the cache, or made by one caller for all of them, in this process and in the others.
 */
export class Flights {
  readonly #engine: Engine
  readonly #flying = new Set<Flight>()
  /** The flight in whose factory the current code runs. */
  readonly #context = new AsyncLocalStorage<Flight>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** The value of a key; when there is none that is fresh, what the factory makes. */
  fetch(
    space: Space,
    key: string,
    given: FetchOptions | undefined,
    defaults: Keeping,
    factory: Factory<unknown>,
  ): Promise<unknown> {
    const unsettled = given?.forceFresh === true ? undefined : this.#engine.reads.unsettled(space, key)
    if (unsettled === undefined) return this.#fetch(space, key, given, defaults, factory)
    // What is written meanwhile is not waited for, or it might never end.
    return unsettled.then(() => this.#fetch(space, key, given, defaults, factory))
  }

  #fetch(
    space: Space,
    key: string,
    given: FetchOptions | undefined,
    defaults: Keeping,
    factory: Factory<unknown>,
  ): Promise<unknown> {
    const { reads, clock } = this.#engine
    const now = clock.now()
    const entry = reads.find(space, key, now)
    if (entry !== undefined && now < entry.expiresAt && given?.forceFresh !== true) {
      const hit = reads.open(entry)
      if (hit !== undefined) {
        reads.count(space, key, entry, now)
        const beta = given?.earlyRefresh
        if (beta !== undefined && beta !== false && isEarly(entry, Number(beta), now))
          this.#refresh(space, key, readFetchOptions(given, defaults), factory, entry)
        return Promise.resolve(hit.value)
      }
    }
    // The other options matter, and are read, only where there is something to make.
    const options = readFetchOptions(given, defaults)
    reads.count(space, key, undefined, now)
    if (entry !== undefined && !options.forceFresh && now < entry.expiresAt + options.staleWhileRevalidate) {
      const hit = reads.open(entry)
      if (hit !== undefined) {
        this.#refresh(space, key, options, factory, entry)
        return Promise.resolve(hit.value)
      }
    }
    const again = (): Promise<unknown> => this.fetch(space, key, given, defaults, factory)
    return this.#wait(space, key, options, factory, entry, again)
  }

  /** Runs the factory of a flight, so that what it calls can be told from what others call. */
  within<Result>(flight: Flight, work: () => Result): Result {
    return this.#context.run(flight, work)
  }

  /** The leases of those whose factories wait for a flight, perhaps through others. */
  leasesWaitingFor(flight: Flight): Lease[] {
    return [...this.#flying].flatMap((each) =>
      each !== flight && each.reaches(flight) ? (each.lease ?? []) : [],
    )
  }

  ended(flight: Flight): void {
    this.#flying.delete(flight)
    this.closed(flight)
  }

  /** Nobody joins a flight any more. */
  closed(flight: Flight): void {
    if (flight.space.flights.get(flight.key) === flight) flight.space.flights.delete(flight.key)
  }

  /** Gives a lease back, and lets a stale entry count as fresh for a while. */
  postpone(tx: Transaction, { id, token }: Lease, stale: Entry, until: number): void {
    if (tx.run(endLease, [id, token]).changes === 0) return
    if (tx.get<{ version: number }>(selectVersion, [stale.id])?.version !== stale.version) return
    const staleUntil = stale.staleUntil === Infinity ? null : stale.staleUntil
    tx.run(touchEntry, [until, staleUntil, randomVersion(), stale.id])
  }

  /** Waits for factories that run, within some milliseconds, and aborts the rest. */
  async stop(timeout: number): Promise<void> {
    const endAt = performance.now() + timeout
    const landed = Promise.allSettled([...this.#flying].map(({ outcome }) => outcome))
    let timer: NodeJS.Timeout | undefined
    const isLate = new Promise((resolve) => {
      timer = setTimeout(resolve, Math.max(0, endAt - performance.now()))
    })
    await Promise.race([landed, isLate])
    clearTimeout(timer)
    for (const flight of this.#flying)
      flight.abort(new StateError('HANDCAR_STOPPED', 'The cache was stopped'))
    await Promise.allSettled([...this.#flying].map(({ outcome }) => outcome))
  }

  #refresh(space: Space, key: string, options: Fetching, factory: Factory<unknown>, entry: Entry): void {
    if (!space.flights.has(key)) this.#start(space, key, options, factory, entry)
  }

  #start(
    space: Space,
    key: string,
    options: Fetching,
    factory: Factory<unknown>,
    stale: Entry | undefined,
  ): Flight {
    const flight = new Flight(this.#engine, this, space, key, options, factory, stale)
    this.#flying.add(flight)
    space.flights.set(key, flight)
    return flight
  }

  async #wait(
    space: Space,
    key: string,
    options: Fetching,
    factory: Factory<unknown>,
    stale: Entry | undefined,
    again: () => Promise<unknown>,
  ): Promise<unknown> {
    const inside = this.#context.getStore()
    const before = space.flights.get(key)
    const canJoin = before !== undefined && (!options.forceFresh || before.isForced) && before.isCurrent()
    if (canJoin && inside !== undefined && before.reaches(inside)) {
      throw new StateError(
        'HANDCAR_CACHE_DEADLOCK',
        `The factory of "${inside.key}" waits for "${key}", which waits for it`,
      )
    }
    const flight = canJoin ? before : this.#start(space, key, options, factory, stale)
    inside?.waitsFor.add(flight)
    try {
      const outcome = await withPatience(this.#engine.clock, flight.outcome, key, options, () =>
        this.#standIn(stale),
      )
      if ('stale' in outcome) return outcome.stale.value
      if (!canJoin) return outcome.value
      if (outcome.isValid) return outcome.copy()
    } catch (error) {
      const hit = this.#standIn(stale)
      if (hit === undefined) throw error
      this.#engine.faults.report('factory', error)
      return hit.value
    } finally {
      inside?.waitsFor.delete(flight)
    }
    // What it was made of was changed after it began, and this caller may have come after that.
    return again()
  }

  /** The stale value that may stand in for one that could not be made. */
  #standIn(stale: Entry | undefined): Hit | undefined {
    if (stale === undefined) return undefined
    const { clock, faults, reads, tags } = this.#engine
    try {
      if (clock.now() >= stale.staleUntil || !tags.areCurrent(stale)) return undefined
      return reads.open(stale)
    } catch (error) {
      faults.report('read', error)
      return undefined
    }
  }
}

/**
 * Whether a value that is still fresh is to be made anew: the more likely the nearer its end is and the longer it takes to make it
 * (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015).
 */
function isEarly(entry: Entry, beta: number, now: number): boolean {
  return now - Math.max(1, entry.cost) * beta * Math.log(Math.random()) >= entry.expiresAt
}
