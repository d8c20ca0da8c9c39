import { Entry, type EntryRow } from './entries/entry.ts'
import type { Engine } from './engine.ts'
import { readEvent } from './events.ts'
import type { Space } from './spaces/space.ts'
import { selectEntry, selectMany, selectVersion } from './sql.ts'

/**
 * Reads. A value comes, in this order, from a write that is not committed yet, from memory, from the file.
 *
 * What is in memory is served as long as nobody else has committed anything to the file since it was last compared. After that, its
 * version is compared with the one in the file: a point read without the value. So it is never older than the file, whichever process
 * wrote that.
 */
export class Reads {
  readonly #engine: Engine
  hits = 0
  memoryHits = 0
  misses = 0

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * The end of a write of a key that is under way and whose outcome is not known before its commit; a read that wants to see it has
   * to wait for that.
   */
  unsettled(space: Space, key: string): Promise<void> | undefined {
    if (space.pending.size === 0) return undefined
    const operation = space.pending.get(key)
    if (operation === undefined || operation.type === 'delete') return undefined
    if (operation.type === 'set' && !operation.ifAbsent) return undefined
    return operation.promise.then(
      () => {},
      () => {},
    )
  }

  /** Whether a key has a fresh value. */
  has(space: Space, key: string): boolean {
    const now = this.#engine.clock.now()
    const entry = this.find(space, key, now)
    return entry !== undefined && now < entry.expiresAt
  }

  /**
   * The entry of a key that is not gone, fresh or stale. A failure of the storage is a miss.
   *
   * @param known What was just read of it.
   */
  find(space: Space, key: string, now: number, known?: Entry): Entry | undefined {
    try {
      const entry = known ?? this.#look(space, key)
      if (entry === undefined || now >= entry.staleUntil) return undefined
      return this.#engine.tags.areCurrent(entry) ? entry : undefined
    } catch (error) {
      this.#engine.faults.missed(error)
      return undefined
    }
  }

  /** The value of a key, and whether there is one. */
  get(space: Space, key: string): Hit | undefined {
    const now = this.#engine.clock.now()
    const entry = this.find(space, key, now)
    const hit = entry === undefined || now >= entry.expiresAt ? undefined : this.open(entry)
    this.count(space, key, hit && entry, now)
    return hit
  }

  /** The values of many keys: one look into the file for all that are not in memory. */
  getMany(space: Space, keys: readonly string[]): Map<string, unknown> {
    const found = new Map<string, unknown>()
    const now = this.#engine.clock.now()
    const fetched = this.#fetch(space, keys)
    for (const key of keys) {
      const entry = this.find(space, key, now, fetched.get(key))
      const hit = entry === undefined || now >= entry.expiresAt ? undefined : this.open(entry)
      this.count(space, key, hit && entry, now)
      if (hit !== undefined) found.set(key, hit.value)
    }
    return found
  }

  /** The value of an entry; `undefined` when it cannot be read, as after its encryption key was taken away. */
  open(entry: Entry): Hit | undefined {
    try {
      return { value: entry.value(this.#engine.codec) }
    } catch (error) {
      this.#engine.faults.report('decode', error)
      return undefined
    }
  }

  /** Counts a hit or a miss. */
  count(space: Space, key: string, entry: Entry | undefined, now: number): void {
    if (entry === undefined) {
      this.misses++
      if (readEvent.hasSubscribers) readEvent.publish({ namespace: space.name, key, from: undefined })
      return
    }
    this.hits++
    if (entry.wasUsed) this.memoryHits++
    if ((this.hits & 63) === 0) this.#engine.topKeys.add(space.name, key)
    const { bound } = this.#engine
    if (now - entry.markedAt >= bound.uses.interval) {
      entry.markedAt = now
      bound.mark(entry, now)
    }
    if (readEvent.hasSubscribers)
      readEvent.publish({ namespace: space.name, key, from: entry.wasUsed ? 'memory' : 'file' })
  }

  #look(space: Space, key: string): Entry | undefined {
    const engine = this.#engine
    if (space.pending.size > 0) {
      const operation = space.pending.get(key)
      if (operation?.type === 'set' && !operation.ifAbsent) return operation.entry
      if (operation?.type === 'delete') return undefined
    }
    if (engine.faults.isOff) return undefined
    const epoch = engine.changes.look()
    if (space.epoch !== epoch) engine.spaces.renew(space, epoch)
    const held = space.memory.get(key)
    if (held !== undefined) {
      if (held.epoch === epoch || this.#isStillInFile(held)) {
        held.epoch = epoch
        held.wasUsed = true
        return held
      }
      engine.memory?.remove(held)
    }
    const id = space.idOf(key)
    if (engine.faults.hasLost(id)) return undefined
    const row = engine.database.get<EntryRow>(selectEntry, [id])
    if (row === undefined || row.key !== key || row.space !== space.number) return undefined
    const entry = Entry.ofRow(space, id, row)
    entry.epoch = epoch
    engine.memory?.put(entry)
    return entry
  }

  #isStillInFile(entry: Entry): boolean {
    const row = this.#engine.database.get<{ version: number }>(selectVersion, [entry.id])
    return row?.version === entry.version
  }

  /** The entries of keys that are not in memory, with one look into the file where there are several. */
  #fetch(space: Space, keys: readonly string[]): Map<string, Entry> {
    const fetched = new Map<string, Entry>()
    const engine = this.#engine
    if (engine.faults.isOff) return fetched
    try {
      for (const entry of this.#fetchRows(space, keys)) fetched.set(entry.key, entry)
    } catch (error) {
      engine.faults.missed(error)
    }
    return fetched
  }

  #fetchRows(space: Space, keys: readonly string[]): Entry[] {
    const engine = this.#engine
    const epoch = engine.changes.look()
    if (space.epoch !== epoch) engine.spaces.renew(space, epoch)
    const wanted = new Map<number, string>()
    for (const key of keys) {
      if (space.pending.has(key) || space.memory.get(key)?.epoch === epoch) continue
      const id = space.idOf(key)
      if (!engine.faults.hasLost(id)) wanted.set(id, key)
    }
    if (wanted.size < 2) return []
    const rows = engine.database.all<EntryRow & { id: number }>(selectMany, [
      JSON.stringify([...wanted.keys()]),
    ])
    return rows
      .filter((row) => row.space === space.number && row.key === wanted.get(row.id))
      .map((row) => {
        const entry = Entry.ofRow(space, row.id, row)
        entry.epoch = epoch
        engine.memory?.put(entry)
        return entry
      })
  }
}

/** A value that was found. In an object, because `undefined` may be a value. */
export interface Hit {
  readonly value: unknown
}
