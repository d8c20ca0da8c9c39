import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PresenceEntry } from '../protocol.ts'
import { sliceSize, type PresenceChange, type PresenceEngine } from './entry.ts'
import { selectChanges, selectProgress } from './sql.ts'

interface ChangedRow {
  revision: number
  channel: string
  user: string
  connection: string
  metadata: string
  leaves_at: number | null
  left_at: number | null
}

interface Progress {
  floor: number
  last: number
}

/** What is told of the changes, in their order. */
export interface ChangeEvents {
  /** Who came and went in one channel. */
  onChange(channel: string, change: PresenceChange): void
  /** Rows that end at some time, whoever looks then; the earliest. */
  onEnding(at: number): void
  /** Changes are missing: everything has to be read anew. `isRestored`: the table has gone back, as after a restore. */
  onReset(isRestored: boolean): void
}

/** How long it waits after a failure, in milliseconds, and at most after many. */
const firstPause = 100
const longestPause = 5_000

/**
 * Reads what has changed in the table of presences, whoever changed it: after a commit all rows above the revision that is known, in
 * one range, however many channels there are. What counts is the position, not the notice: one notice for many commits, or one
 * that finds nothing new, does no harm. A failure is logged and tried again; it never ends.
 */
export class Changes {
  readonly #engine: PresenceEngine
  readonly #events: ChangeEvents
  #known = 0
  #isReading = false
  #isAsked = false
  #isStopped = true
  #retry: NodeJS.Timeout | undefined
  #pause = firstPause

  constructor(engine: PresenceEngine, events: ChangeEvents) {
    this.#engine = engine
    this.#events = events
  }

  /** The revision up to which all changes have been told. */
  get position(): number {
    return this.#known
  }

  /** Begins after the last change that there is. */
  start(): void {
    this.#known = this.#engine.database.get<Progress>(selectProgress)!.last
    this.#isStopped = false
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#retry)
  }

  /** Looks whether there is anything new. */
  look(): void {
    if (this.#isStopped) return
    this.#isAsked = true
    if (!this.#isReading) void this.#engine.enter(() => this.#read())
  }

  async #read(): Promise<void> {
    this.#isReading = true
    try {
      while (this.#isAsked && !this.#isStopped) {
        this.#isAsked = false
        if (this.#readSlice()) {
          this.#isAsked = true
          await nextTurn()
        }
      }
      this.#pause = firstPause
    } catch (error) {
      this.#engine.logger.error({ error: String(error) }, 'presences could not be read; trying again')
      this.#retry = setTimeout(() => this.look(), this.#pause).unref()
      this.#pause = Math.min(2 * this.#pause, longestPause)
    }
    this.#isReading = false
  }

  /** Returns whether there may be more. */
  #readSlice(): boolean {
    // Most notices are of commits that changed something else.
    const { last, floor } = this.#engine.database.get<Progress>(selectProgress)!
    if (last === this.#known && floor <= last) return false
    const { progress, rows } = this.#engine.database.read((tx) => {
      const progress = tx.get<Progress>(selectProgress)!
      const isNew = progress.last > this.#known && progress.floor <= this.#known
      return { progress, rows: isNew ? tx.all<ChangedRow>(selectChanges, [this.#known, sliceSize]) : [] }
    })
    if (progress.last < this.#known || progress.floor > this.#known) this.#reset(progress)
    else if (rows.length > 0) this.#tell(rows)
    return rows.length === sliceSize
  }

  #reset({ last }: Progress): void {
    const isRestored = last < this.#known
    this.#known = last
    this.#events.onReset(isRestored)
  }

  #tell(rows: readonly ChangedRow[]): void {
    this.#known = rows.at(-1)!.revision
    for (const [channel, changed] of latestOf(rows)) {
      const present = changed.filter(({ left_at: leftAt }) => leftAt === null)
      for (const { leaves_at: at } of present) if (at !== null) this.#events.onEnding(at)
      const joined = present.filter(({ leaves_at: at }) => at === null).map(entryOf)
      const left = changed.filter(({ left_at: leftAt }) => leftAt !== null).map(entryOf)
      if (joined.length + left.length > 0) this.#events.onChange(channel, { joined, left })
    }
  }
}

/** The rows of each channel; of a connection that has left and come back the one that is true now. */
function* latestOf(rows: readonly ChangedRow[]): Generator<[string, ChangedRow[]], void, void> {
  const channels = new Map<string, Map<string, ChangedRow>>()
  for (const row of rows) {
    const connections = channels.get(row.channel)
    if (connections === undefined) channels.set(row.channel, new Map([[row.connection, row]]))
    else connections.set(row.connection, row)
  }
  for (const [channel, connections] of channels) yield [channel, [...connections.values()]]
}

/** A row as everybody sees it. */
export function entryOf(row: { user: string; connection: string; metadata: string }): PresenceEntry {
  return { user: row.user, connection: row.connection, metadata: JSON.parse(row.metadata) as unknown }
}
