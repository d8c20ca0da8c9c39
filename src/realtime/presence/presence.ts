import { AsyncLocalStorage } from 'node:async_hooks'
import { StateError, type Clock, type Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import type { PresenceEntry } from '../protocol.ts'
import { Changes, entryOf } from './changes.ts'
import { Departures } from './departures.ts'
import {
  presenceTopic,
  type OwnEntry,
  type PresenceChange,
  type PresenceEngine,
  type PresenceListener,
} from './entry.ts'
import { Orphans } from './orphans.ts'
import { OwnEntries } from './own-entries.ts'
import { PresenceWrites, type PresenceWrite } from './presence-writes.ts'
import { Seat } from './seat.ts'
import { selectPresences } from './sql.ts'
import { Survivors, type GoneNotices } from './survivors.ts'

/** What presence needs. */
export interface PresenceOptions {
  database: Database
  /** Tells at once when a process has gone; without it they are looked at four times a second. */
  relay?: GoneNotices | undefined
  /** How long somebody whose connection has gone still counts as present, in milliseconds. */
  grace: number
  clock: Clock
  logger: Logger
}

/** How presence stands in this process, as plain JSON. */
export interface PresenceStats {
  /** Entries of connections of this process, with those that are leaving. */
  entries: number
  /** Those whose connection has gone, and whose grace is not over. */
  leaving: number
  /** The revision up to which changes have been told here. */
  position: number
}

/**
 * Who is in which channel, over all processes.
 *
 * An entry is a row of the app's file, so that SQL can ask for it, and belongs to a process:
 *
 *     join ─► row ─► commit ─► every process reads what changed ─► onChange
 *     leave ─► grace ─► row has ended ─► commit ─► …
 *
 * - A process that is killed: its lock is free at once, the survivors end its rows (`survivors.ts`), well within a second.
 * - A process that stops in order, as in a reload: its rows stay for the grace, while its clients come back elsewhere; then
 *   whoever looks first ends them (`orphans.ts`).
 * - A connection that fails and comes back is another entry of the same user, which begins before the first one ends:
 *   counted by user nobody flaps.
 *
 * A change is told after its commit, once, in the order of the commits, except that of several changes of one entry only the last
 * may be told. Who asks for the list after having registered a listener misses nothing; what the list knows already may be told again.
 */
export class Presence {
  readonly #options: PresenceOptions
  readonly #engine: PresenceEngine
  readonly #seat: Seat
  readonly #writes: PresenceWrites
  readonly #own = new OwnEntries()
  readonly #departures: Departures
  readonly #orphans: Orphans
  readonly #survivors: Survivors
  readonly #changes: Changes
  readonly #listeners = new Set<PresenceListener>()
  readonly #resetListeners = new Set<() => void>()
  #enter: <Result>(work: () => Result) => Result = (work) => work()
  #unsubscribe: (() => void) | undefined
  #isStarted = false

  constructor(options: PresenceOptions) {
    const { database, clock, logger } = options
    this.#options = options
    this.#engine = { database, clock, logger, enter: (work) => this.#enter(work) }
    this.#seat = new Seat(this.#engine)
    this.#writes = new PresenceWrites(this.#engine, this.#seat)
    this.#departures = new Departures(clock, (entries) => void this.#depart(entries))
    this.#orphans = new Orphans(this.#engine)
    this.#survivors = new Survivors(this.#engine, this.#seat, options.relay)
    this.#changes = new Changes(this.#engine, {
      onChange: (channel, change) => this.#tell(channel, change),
      onEnding: (at) => this.#orphans.note(at),
      onReset: (isRestored) => this.#reset(isRestored),
    })
  }

  /** Ends what is left of processes that are gone, and begins to tell of changes. */
  async start(): Promise<void> {
    this.#enter = AsyncLocalStorage.snapshot()
    this.#changes.start()
    this.#unsubscribe = this.#options.database.onCommit(() => this.#changes.look(), [presenceTopic])
    this.#isStarted = true
    await this.#survivors.start()
    await this.#orphans.start()
  }

  /**
   * Hands over: the entries of this process end after their grace, unless their clients have come back elsewhere. What cannot be
   * written ends at once, by the survivors.
   */
  async stop(): Promise<void> {
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#unsubscribe?.()
    this.#changes.stop()
    await this.#survivors.stop()
    await this.#orphans.stop()
    await this.#handOver()
    this.#departures.clear()
    this.#own.clear()
    this.#seat.leave()
  }

  /**
   * A connection is present in a channel from now on, or with other metadata. Resolves once that is committed; nothing is written when
   * nothing has changed.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  async join(channel: string, { user, connection, metadata }: PresenceEntry): Promise<void> {
    if (!this.#isStarted) throw new StateError('HANDCAR_NOT_STARTED', 'Presence was used while it is stopped')
    const entry: OwnEntry = { channel, connection, user, metadata: JSON.stringify(metadata ?? null) }
    const before = this.#own.get(channel, connection)
    if (before !== undefined) this.#departures.cancel(before)
    if (before?.user === user && before.metadata === entry.metadata) return
    this.#own.put(entry)
    try {
      await this.#writes.write({ ...entry, becomes: 'present', at: this.#engine.clock.now() })
    } catch (error) {
      if (before === undefined) this.#own.delete(entry)
      else if (this.#own.get(channel, connection) === entry) this.#own.put(before)
      throw error
    }
  }

  /** A connection is not in a channel any more, after its grace. */
  leave(channel: string, connection: string, grace: number = this.#options.grace): void {
    const entry = this.#own.get(channel, connection)
    if (entry !== undefined) this.#departures.add(entry, grace)
  }

  /**
   * A connection has gone.
   *
   * @param grace In milliseconds; longer when the client was told to come back later.
   */
  leaveAll(connection: string, grace: number = this.#options.grace): void {
    for (const entry of this.#own.of(connection)) this.#departures.add(entry, grace)
  }

  /** Who is in a channel, in all processes; inside a body of `read` or `write`, of its snapshot. */
  list(channel: string): PresenceEntry[] {
    const { database, clock } = this.#engine
    return database
      .all<{ user: string; connection: string; metadata: string }>(selectPresences, [channel, clock.now()])
      .map(entryOf)
  }

  /** Calls back with who comes and goes, in all channels and processes. Returns what ends it. */
  onChange(listener: PresenceListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Calls back when changes may be missing: whoever shows a list reads it anew. Returns what ends it. */
  onReset(listener: () => void): () => void {
    this.#resetListeners.add(listener)
    return () => void this.#resetListeners.delete(listener)
  }

  /** How it stands. */
  stats(): PresenceStats {
    return { entries: this.#own.size, leaving: this.#departures.size, position: this.#changes.position }
  }

  async #depart(entries: readonly OwnEntry[]): Promise<void> {
    const at = this.#engine.clock.now()
    // Who comes back while this is written joins anew, after it.
    for (const entry of entries) this.#own.delete(entry)
    try {
      await this.#writes.writeAll(entries.map((entry) => ({ ...entry, becomes: 'left', at })))
    } catch (error) {
      this.#engine.logger.warn({ error: String(error) }, 'who left could not be written; trying again')
      for (const entry of entries) this.#departAgain(entry)
    }
  }

  #departAgain(entry: OwnEntry): void {
    if (this.#own.get(entry.channel, entry.connection) !== undefined) return
    this.#own.put(entry)
    this.#departures.add(entry, this.#options.grace)
  }

  async #handOver(): Promise<void> {
    if (this.#own.size === 0 && this.#seat.token === undefined) return
    const { database, clock, logger } = this.#engine
    const endsAt = clock.now() + this.#options.grace
    const orphans = [...this.#own.all()].map((entry): PresenceWrite => ({
      ...entry,
      becomes: 'orphan',
      at: this.#departures.dueAt(entry) ?? endsAt,
    }))
    try {
      await this.#writes.writeAll(orphans)
      await this.#enter(() => database.write((tx) => this.#seat.signOff(tx)))
    } catch (error) {
      logger.warn({ error: String(error) }, 'presences could not be handed over')
    }
  }

  #tell(channel: string, change: PresenceChange): void {
    for (const listener of this.#listeners) this.#call(() => listener(channel, change))
  }

  /** After a restore this process is not in the table, or with what was true then. */
  #reset(isRestored: boolean): void {
    const at = this.#engine.clock.now()
    if (isRestored)
      this.#writes
        .writeAll([...this.#own.all()].map((entry) => ({ ...entry, becomes: 'present', at })))
        .catch((error: unknown) =>
          this.#engine.logger.warn({ error: String(error) }, 'presences could not be written anew'),
        )
    for (const listener of this.#resetListeners) this.#call(listener)
  }

  #call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#engine.logger.error({ error: String(error) }, 'a listener of presences failed')
    }
  }
}
