import { setDelay } from '../../core/index.ts'
import type { PresenceEntry } from '../protocol.ts'
import { Departures } from './departures.ts'
import type { OwnEntry, PresenceEngine } from './entry.ts'
import { OwnEntries } from './own-entries.ts'
import { PresenceWrites } from './presence-writes.ts'
import type { Seat } from './seat.ts'

/** So long after a write that failed the next one is tried, in milliseconds. */
const pause = 1_000

/**
 * Sees to it that the table says what is true of the connections of this process: who is in which channel. What cannot be
 * written, because the file is locked or the disk is full, is tried again as long as it is true.
 */
export class Attendance {
  readonly #engine: PresenceEngine
  readonly #seat: Seat
  readonly #grace: number
  readonly #writes: PresenceWrites
  readonly #own = new OwnEntries()
  readonly #departures: Departures
  /** Entries that are not written yet as they are. */
  readonly #unwritten = new Set<OwnEntry>()
  #endPause: (() => void) | undefined

  /** @param grace How long somebody counts as present whose connection has gone, in milliseconds. */
  constructor(engine: PresenceEngine, seat: Seat, grace: number) {
    this.#engine = engine
    this.#seat = seat
    this.#grace = grace
    this.#writes = new PresenceWrites(engine, seat)
    this.#departures = new Departures(engine.clock, (entries) => void this.#depart(entries))
  }

  /** Entries, and those of them whose connection has gone. */
  stats(): { entries: number; leaving: number } {
    return { entries: this.#own.size, leaving: this.#departures.size }
  }

  /** Resolves when it is committed, or has failed for the first time. */
  async join(channel: string, { user, connection, metadata }: PresenceEntry): Promise<void> {
    const entry: OwnEntry = { channel, connection, user, metadata: JSON.stringify(metadata ?? null) }
    const before = this.#own.get(channel, connection)
    if (before !== undefined) this.#departures.cancel(before)
    if (before?.user === user && before.metadata === entry.metadata) return
    this.#own.put(entry)
    await this.#write([entry])
  }

  leave(channel: string, connection: string, grace: number = this.#grace): void {
    const entry = this.#own.get(channel, connection)
    if (entry !== undefined) this.#departures.add(entry, grace)
  }

  leaveAll(connection: string, comesBackIn: number): void {
    for (const entry of this.#own.of(connection)) this.#departures.add(entry, comesBackIn + this.#grace)
  }

  /** Writes all entries anew, when the table has lost them. */
  async writeAll(): Promise<void> {
    await this.#write([...this.#own.all()])
  }

  /** The entries end after their grace, unless their clients come back elsewhere; those who leave already keep their time. */
  async handOver(): Promise<void> {
    const { database, clock, logger, enter } = this.#engine
    const now = clock.now()
    const at = (entry: OwnEntry): number => Math.ceil(now + (this.#departures.dueIn(entry) ?? this.#grace))
    const entries = [...this.#own.all()]
    try {
      await this.#writes.writeAll(entries.map((entry) => ({ ...entry, becomes: 'orphan', at: at(entry) })))
      if (this.#seat.token !== undefined) await enter(() => database.write((tx) => this.#seat.signOff(tx)))
    } catch (error) {
      logger.warn({ error: String(error) }, 'presences could not be handed over, and have ended')
    }
    this.#endPause?.()
    this.#unwritten.clear()
    this.#departures.clear()
    this.#own.clear()
    this.#seat.leave()
  }

  async #write(entries: readonly OwnEntry[]): Promise<void> {
    const at = this.#engine.clock.now()
    try {
      await this.#writes.writeAll(entries.map((entry) => ({ ...entry, becomes: 'present', at })))
    } catch (error) {
      this.#engine.logger.warn({ error: String(error) }, 'who is present could not be written; trying again')
      for (const entry of entries) this.#unwritten.add(entry)
      this.#writeLater()
    }
  }

  #writeLater(): void {
    const { clock, enter } = this.#engine
    this.#endPause?.()
    const writeAgain = (): void => {
      const entries = [...this.#unwritten].filter((entry) => this.#isTrue(entry))
      this.#unwritten.clear()
      void enter(() => this.#write(entries))
    }
    this.#endPause = setDelay(clock, writeAgain, pause)
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
    this.#departures.add(entry, pause)
  }

  #isTrue(entry: OwnEntry): boolean {
    return this.#own.get(entry.channel, entry.connection) === entry
  }
}
