import { AsyncLocalStorage } from 'node:async_hooks'
import { StateError, type Clock, type Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import type { PresenceEntry } from '../protocol.ts'
import { Attendance } from './attendance.ts'
import { Changes, entryOf } from './changes.ts'
import { presenceTopic, type PresenceEngine, type PresenceListener } from './entry.ts'
import { Orphans } from './orphans.ts'
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
 * A change is told after its commit, in the order of the commits; of several changes of one entry only the last may be told. Who asks
 * for the list after having registered a listener misses nothing; what the list knows already may be told again.
 */
export class Presence {
  readonly #engine: PresenceEngine
  readonly #seat: Seat
  readonly #attendance: Attendance
  readonly #orphans: Orphans
  readonly #survivors: Survivors
  readonly #changes: Changes
  readonly #listeners = new Set<PresenceListener>()
  readonly #resetListeners = new Set<() => void>()
  #enter: <Result>(work: () => Result) => Result = (work) => work()
  #unsubscribe: (() => void) | undefined
  #isStarted = false

  constructor({ database, clock, logger, grace, relay }: PresenceOptions) {
    this.#engine = { database, clock, logger, enter: (work) => this.#enter(work) }
    this.#seat = new Seat(this.#engine)
    this.#attendance = new Attendance(this.#engine, this.#seat, grace)
    this.#orphans = new Orphans(this.#engine)
    this.#survivors = new Survivors(this.#engine, this.#seat, relay)
    this.#changes = new Changes(this.#engine, {
      onChange: (channel, change) => this.#tell(this.#listeners, (listener) => listener(channel, change)),
      onEnding: (at) => this.#orphans.note(at),
      onReset: (isRestored) => this.#reset(isRestored),
    })
  }

  /** Ends what is left of processes that are gone, and begins to tell of changes. Idempotent. */
  async start(): Promise<void> {
    if (this.#isStarted) return
    this.#enter = AsyncLocalStorage.snapshot()
    this.#changes.start()
    this.#isStarted = true
    this.#unsubscribe = this.#engine.database.onCommit(() => this.#changes.look(), [presenceTopic])
    await this.#survivors.start()
    await this.#orphans.start()
  }

  /**
   * Hands over: the entries of this process end after their grace, unless their clients have come back elsewhere. What cannot be
   * written ends at once, by the survivors. Idempotent.
   */
  async stop(): Promise<void> {
    if (!this.#isStarted) return
    this.#isStarted = false
    this.#unsubscribe?.()
    this.#changes.stop()
    await this.#survivors.stop()
    await this.#orphans.stop()
    await this.#attendance.handOver()
  }

  /**
   * A connection is present in a channel from now on, or with other metadata. Resolves once that is committed; nothing is written when
   * nothing has changed. What cannot be written is logged, and tried again while the connection is there.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  async join(channel: string, entry: PresenceEntry): Promise<void> {
    if (!this.#isStarted) throw new StateError('HANDCAR_NOT_STARTED', 'Presence was used while it is stopped')
    await this.#attendance.join(channel, entry)
  }

  /**
   * A connection is not in a channel any more, after its grace.
   *
   * @param grace In milliseconds. Default: that of the options.
   */
  leave(channel: string, connection: string, grace?: number): void {
    this.#attendance.leave(channel, connection, grace)
  }

  /**
   * A connection has gone.
   *
   * @param comesBackIn When its client was told to come back, in milliseconds; its grace begins then. Default: 0.
   */
  leaveAll(connection: string, comesBackIn: number = 0): void {
    this.#attendance.leaveAll(connection, comesBackIn)
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
    return { ...this.#attendance.stats(), position: this.#changes.position }
  }

  /** After a restore this process is not in the table, or with what was true then. */
  #reset(isRestored: boolean): void {
    if (isRestored) void this.#attendance.writeAll()
    this.#tell(this.#resetListeners, (listener) => listener())
  }

  #tell<Listener>(listeners: Iterable<Listener>, call: (listener: Listener) => void): void {
    for (const listener of listeners) {
      try {
        call(listener)
      } catch (error) {
        this.#engine.logger.error({ error: String(error) }, 'a listener of presences failed')
      }
    }
  }
}
