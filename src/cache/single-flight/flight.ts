import { deserialize, serialize } from 'node:v8'
import type { Engine } from '../engine.ts'
import type { Encoded } from '../entries/codec.ts'
import { Entry, type TagVersion } from '../entries/entry.ts'
import { fillEvent } from '../events.ts'
import type { Space } from '../spaces/space.ts'
import { randomVersion, type TagMoment } from '../tags/tags.ts'
import { contextOf, unlessAborted, type Chosen, type Factory } from './factory.ts'
import type { Fetching } from './fetch-options.ts'
import type { Flights } from './flights.ts'
import type { Lease } from './leases.ts'
import { timedOut } from './patience.ts'
import { takeTurn } from './turn.ts'

/** What came of a flight. */
export interface Outcome {
  /** What the factory returned. */
  readonly value: unknown
  /** What the others get, each a value of its own. */
  readonly copy: () => unknown
  /** Whether it may be handed to those who came later: what it was made of was not changed meanwhile. */
  readonly isValid: boolean
}

/**
 * The making of one value, for all callers of this process, while no other process makes it.
 *
 * After a crash: the lease stays in the table, and whoever waits for it, or comes next, finds that its holder is dead.
 */
export class Flight {
  readonly space: Space
  readonly key: string
  /** Whether it replaces whatever there is. */
  readonly isForced: boolean
  /** Flights that its factory waits for. */
  readonly waitsFor = new Set<Flight>()
  readonly outcome: Promise<Outcome>
  readonly #engine: Engine
  readonly #flights: Flights
  readonly #options: Fetching
  readonly #factory: Factory<unknown>
  readonly #stale: Entry | undefined
  readonly #controller = new AbortController()
  #lease: Lease | undefined
  #moment: TagMoment | undefined
  #tags: TagVersion[] | undefined

  constructor(
    engine: Engine,
    flights: Flights,
    space: Space,
    key: string,
    options: Fetching,
    factory: Factory<unknown>,
    stale: Entry | undefined,
  ) {
    this.#engine = engine
    this.#flights = flights
    this.space = space
    this.key = key
    this.#options = options
    this.#factory = factory
    this.#stale = stale
    this.isForced = options.forceFresh
    this.outcome = this.#fly()
    this.outcome.catch(() => {})
  }

  /** Whether a caller that comes now may have its value: nothing was changed since it began. */
  isCurrent(): boolean {
    const lease = this.#lease
    if (lease !== undefined && !this.#engine.leases.isHeld(lease)) return false
    try {
      if (lease !== undefined && this.#engine.spaces.idOf(this.space, this.key) !== lease.id) return false
      return this.#engine.tags.stillCurrent(this.#tags)
    } catch (error) {
      this.#engine.faults.report('read', error)
      return true
    }
  }

  /** Its right to make the value; `undefined` as long as it waits for that. */
  get lease(): Lease | undefined {
    return this.#lease
  }

  /** Whether this flight waits for another one, perhaps through others. */
  reaches(other: Flight, seen = new Set<Flight>()): boolean {
    if (this === other) return true
    if (seen.has(this)) return false
    seen.add(this)
    return [...this.waitsFor].some((each) => each.reaches(other, seen))
  }

  abort(reason: Error): void {
    // Nobody else is to join it.
    this.#flights.closed(this)
    this.#controller.abort(reason)
  }

  async #fly(): Promise<Outcome> {
    const endTimer = this.#limit()
    try {
      return (await this.#takeTurn()) ?? (await this.#make())
    } finally {
      endTimer()
      this.#flights.ended(this)
    }
  }

  /** Waits for its turn among the processes; returns the value when another one has made it meanwhile. */
  async #takeTurn(): Promise<Outcome | undefined> {
    const { signal } = this.#controller
    const turn = await takeTurn(this.#engine, {
      space: this.space,
      key: this.key,
      known: this.isForced ? 'any' : this.#stale?.version,
      waiting: () => this.#flights.leasesWaitingFor(this),
      abort: (reason) => this.abort(reason),
      signal,
    })
    if (turn === undefined) return undefined
    if ('entry' in turn) {
      const { entry, value } = turn
      return { value, copy: () => entry.value(this.#engine.codec), isValid: true }
    }
    this.#lease = turn
    if (signal.aborted) await this.#endLease()
    signal.throwIfAborted()
    return undefined
  }

  async #make(): Promise<Outcome> {
    const { tags, faults } = this.#engine
    const chosen: Chosen = { ttl: undefined, tags: [...this.#options.tags], isSkipped: false }
    try {
      this.#moment = tags.now()
      this.#tags = tags.versionsOf(chosen.tags)
    } catch (error) {
      // Without the versions nothing may be kept: nobody would know what ends it.
      faults.report('read', error)
      chosen.isSkipped = true
    }
    const startedAt = performance.now()
    let duration: number | undefined
    try {
      const { signal } = this.#controller
      const stale = this.#stale && this.#engine.reads.open(this.#stale)
      const value = await this.#flights.within(this, () =>
        unlessAborted(signal, this.#factory(contextOf(signal, stale, chosen))),
      )
      duration = performance.now() - startedAt
      this.#tell(duration, undefined)
      return await this.#keep(value, duration, chosen)
    } catch (error) {
      this.#flights.closed(this)
      if (duration === undefined) this.#tell(performance.now() - startedAt, error)
      await this.#fail()
      throw error
    }
  }

  async #keep(value: unknown, duration: number, chosen: Chosen): Promise<Outcome> {
    const { codec, clock, tags, writes, faults } = this.#engine
    const isNothing = value === undefined || value === null
    const { negativeTtl, grace } = this.#options
    const usual = isNothing && negativeTtl !== undefined ? negativeTtl : this.#options.ttl
    const ttl = chosen.ttl === undefined ? usual : chosen.ttl
    let encoded: Encoded
    try {
      encoded = codec.encode(value, this.key)
    } catch (error) {
      if ((error as { code?: string }).code !== 'HANDCAR_CACHE_VALUE_TOO_LARGE') throw error
      faults.report('factory', error)
      await this.#endLease()
      return { value, copy: () => deserialize(serialize(value)) as unknown, isValid: true }
    }
    const copy = (): unknown => codec.decode(encoded.kind, encoded.value, this.key)
    // Where there is something to replace, or to fall back to later, a value that is never fresh is kept too.
    const isNeeded = ttl !== 0 || grace > 0 || this.#stale !== undefined
    if (chosen.isSkipped || !isNeeded) {
      await this.#endLease()
      return { value, copy, isValid: true }
    }
    let versions: TagVersion[] | undefined
    try {
      versions = tags.versionsSince(this.#moment!, chosen.tags)
    } catch (error) {
      faults.report('read', error)
    }
    if (versions === undefined) {
      await this.#endLease()
      return { value, copy, isValid: false }
    }
    const lease = this.#lease
    if (!faults.canWrite || lease === undefined) return { value, copy, isValid: true }
    const now = clock.now()
    const expiresAt = ttl === null ? Infinity : now + ttl
    const entry = new Entry(
      this.space,
      lease.id,
      this.key,
      randomVersion(),
      expiresAt,
      expiresAt + grace,
      now,
      Math.round(duration),
      versions.length === 0 ? undefined : versions,
      encoded.kind,
      encoded.value,
    )
    entry.number = lease.number
    const isKept = await writes.push({
      type: 'set',
      entry,
      ifAbsent: false,
      lease: lease.token,
      otherwise: true,
    }).promise
    return { value, copy, isValid: isKept === true }
  }

  /** The factory has failed: what is stale counts as fresh for a while, so that it is not called again by everybody. */
  async #fail(): Promise<void> {
    const { clock, leases, writes } = this.#engine
    const stale = this.#stale
    const now = clock.now()
    const until = Math.min(now + this.#options.graceBackoff, stale?.staleUntil ?? 0)
    const lease = this.#lease
    if (lease === undefined) return
    if (stale === undefined || until <= now || stale.expiresAt > now) return leases.end(lease)
    await writes.work((tx) => this.#flights.postpone(tx, lease, stale, until), undefined)
    const held = this.space.memory.get(this.key)
    if (held !== undefined) this.#engine.memory?.remove(held)
  }

  async #endLease(): Promise<void> {
    if (this.#lease !== undefined) await this.#engine.leases.end(this.#lease)
  }

  #limit(): () => void {
    const { hardTimeout } = this.#options
    if (hardTimeout === undefined) return () => {}
    const { clock } = this.#engine
    return clock.setTimer(() => this.abort(timedOut(this.key, hardTimeout)), clock.now() + hardTimeout)
  }

  #tell(duration: number, error: unknown): void {
    const { space, key } = this
    this.#engine.slowest.add(space.name, key, duration)
    if (fillEvent.hasSubscribers) fillEvent.publish({ namespace: space.name, key, duration, error })
  }
}
