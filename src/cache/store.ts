import { option, readOptions, type Duration } from '../core/index.ts'
import type { Engine } from './engine.ts'
import { Entry } from './entries/entry.ts'
import { readEntryOptions, type EntryOptions, type Keeping } from './entries/entry-options.ts'
import { checkKey, checkKeys } from './entries/key.ts'
import { pairsOf } from './entries/pairs.ts'
import { listKeys, type KeysOptions } from './key-list.ts'
import { optionalTtl, readSpan } from './options.ts'
import type { FetchOptions } from './single-flight/fetch-options.ts'
import type { Factory } from './single-flight/factory.ts'
import type { Space } from './spaces/space.ts'
import { randomVersion } from './tags/tags.ts'
import type { Operation } from './writes/operation.ts'

/** The work behind the methods of a cache and of its namespaces: one set of keys. */
export class Store {
  readonly #engine: Engine
  readonly #space: Space
  readonly #defaults: Keeping

  constructor(engine: Engine, space: Space, defaults: Keeping) {
    this.#engine = engine
    this.#space = space
    this.#defaults = defaults
  }

  get(key: string): Promise<unknown> {
    checkKey(key)
    const { reads } = this.#engine
    const unsettled = reads.unsettled(this.#space, key)
    if (unsettled !== undefined) return after(unsettled, () => reads.get(this.#space, key)?.value)
    return Promise.resolve(reads.get(this.#space, key)?.value)
  }

  has(key: string): Promise<boolean> {
    checkKey(key)
    const { reads } = this.#engine
    const unsettled = reads.unsettled(this.#space, key)
    if (unsettled !== undefined) return after(unsettled, () => reads.has(this.#space, key))
    return Promise.resolve(reads.has(this.#space, key))
  }

  getMany(keys: readonly string[]): Promise<Map<string, unknown>> {
    checkKeys('cache.getMany', keys)
    const { reads } = this.#engine
    const unsettled = keys.flatMap((key) => reads.unsettled(this.#space, key) ?? [])
    if (unsettled.length > 0) return after(Promise.all(unsettled), () => reads.getMany(this.#space, keys))
    return Promise.resolve(reads.getMany(this.#space, keys))
  }

  set(key: string, value: unknown, options: EntryOptions | undefined, ifAbsent: boolean): Promise<boolean> {
    const keeping = readEntryOptions('cache.set', options, this.#defaults)
    return this.#put(key, value, keeping, ifAbsent)
  }

  async setMany(
    entries: Iterable<readonly [string, unknown]> | Readonly<Record<string, unknown>>,
    options: EntryOptions | undefined,
  ): Promise<void> {
    const keeping = readEntryOptions('cache.setMany', options, this.#defaults)
    // All are looked at before the first is written.
    const made = Array.from(pairsOf(entries), ([key, value]) => this.#entry(key, value, keeping))
    await Promise.all(made.map((entry) => this.#write(entry, false)))
  }

  delete(key: string): Promise<boolean> {
    checkKey(key)
    const { writes, faults } = this.#engine
    const id = this.#idOf(key)
    if (id === undefined) return Promise.resolve(false)
    if (!faults.canWrite) return this.#lost(id, key, false)
    const operation = writes.push({
      type: 'delete',
      space: this.#space,
      id,
      number: this.#space.number,
      key,
      otherwise: false,
    })
    this.#isWritten(key, operation)
    return operation.promise as Promise<boolean>
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    checkKeys('cache.deleteMany', keys)
    const deleted = await Promise.all(keys.map((key) => this.delete(key)))
    return deleted.filter(Boolean).length
  }

  increment(key: string, by: number, options: { ttl?: Duration | null } | undefined): Promise<number> {
    checkKey(key)
    const { ttl } = options === undefined ? {} : readOptions('cache.increment', options, { ttl: optionalTtl })
    if (!Number.isSafeInteger(by)) throw option.invalidOption('cache.increment by', 'a whole number', by)
    const { writes, faults } = this.#engine
    const expiresAt = this.#end(ttl === undefined ? this.#defaults.ttl : ttl)
    const id = this.#idOf(key)
    if (id === undefined || !faults.canWrite) return this.#lost(id, key, by)
    const operation = writes.push({
      type: 'increment',
      space: this.#space,
      id,
      number: this.#space.number,
      key,
      by,
      expiresAt,
      otherwise: by,
    })
    this.#isWritten(key, operation)
    return operation.promise as Promise<number>
  }

  touch(key: string, ttl: Duration | null): Promise<boolean> {
    checkKey(key)
    const { writes, faults } = this.#engine
    const expiresAt = this.#end(ttl === null ? null : readSpan(ttl, 'cache.touch ttl', ', or null'))
    const id = this.#idOf(key)
    if (id === undefined || !faults.canWrite) return Promise.resolve(false)
    const operation = writes.push({
      type: 'touch',
      space: this.#space,
      id,
      number: this.#space.number,
      key,
      expiresAt,
      otherwise: false,
    })
    this.#isWritten(key, operation)
    return operation.promise as Promise<boolean>
  }

  async clear(): Promise<void> {
    await this.#engine.spaces.clear(this.#space)
  }

  keys(options: KeysOptions | undefined): Promise<string[]> {
    return listKeys(this.#engine, this.#space, options)
  }

  getOrSet(key: string, options: FetchOptions | undefined, factory: Factory<unknown>): Promise<unknown> {
    checkKey(key)
    if (typeof factory !== 'function')
      throw option.invalidOption('cache.getOrSet factory', 'a function', factory)
    return this.#engine.flights.fetch(this.#space, key, options, this.#defaults, factory)
  }

  #put(key: string, value: unknown, keeping: Keeping, ifAbsent: boolean): Promise<boolean> {
    const entry = this.#entry(key, value, keeping)
    return this.#write(entry, ifAbsent)
  }

  /** @throws OptionsError for a key or value that cannot be kept */
  #entry(key: unknown, value: unknown, { ttl, grace, tags }: Keeping): Entry | undefined {
    checkKey(key)
    const engine = this.#engine
    const { kind, value: stored } = engine.codec.encode(value, key)
    const now = engine.clock.now()
    const expiresAt = ttl === null ? Infinity : now + ttl
    const id = this.#idOf(key)
    if (id === undefined) return undefined
    try {
      const versions = tags.length === 0 ? undefined : engine.tags.versionsOf(tags)
      return new Entry(
        this.#space,
        id,
        key,
        randomVersion(),
        expiresAt,
        expiresAt + grace,
        now,
        0,
        versions,
        kind,
        stored,
      )
    } catch (error) {
      engine.faults.report('read', error)
      engine.faults.lose(id)
      return undefined
    }
  }

  #write(entry: Entry | undefined, ifAbsent: boolean): Promise<boolean> {
    const { writes, faults } = this.#engine
    if (entry === undefined) return Promise.resolve(false)
    if (!faults.canWrite) return this.#lost(entry.id, entry.key, false)
    const operation = writes.push({
      type: 'set',
      entry,
      ifAbsent,
      lease: undefined,
      otherwise: false,
    })
    this.#isWritten(entry.key, operation)
    return operation.promise as Promise<boolean>
  }

  /** From now on this process sees the write; what it has in memory is over. */
  #isWritten(key: string, operation: Operation): void {
    const space = this.#space
    space.pending.set(key, operation)
    const held = space.memory.get(key)
    if (held !== undefined) this.#engine.memory?.remove(held)
    // What is being made of what was there before is not for those who come now.
    if (operation.type === 'set' || operation.type === 'delete') space.flights.delete(key)
  }

  /** A write that is not tried, because it would fail. */
  #lost<Result>(id: number | undefined, key: string, result: Result): Promise<Result> {
    if (id !== undefined) this.#engine.faults.lose(id)
    const held = this.#space.memory.get(key)
    if (held !== undefined) this.#engine.memory?.remove(held)
    return Promise.resolve(result)
  }

  #idOf(key: string): number | undefined {
    if (!this.#engine.faults.isOpen) return undefined
    try {
      return this.#engine.spaces.presumedIdOf(this.#space, key)
    } catch (error) {
      this.#engine.faults.report('write', error)
      return undefined
    }
  }

  #end(ttl: number | null): number {
    return ttl === null ? Infinity : this.#engine.clock.now() + ttl
  }
}

/** Reads when what was being written has its outcome; what is written meanwhile is not waited for, or it might never end. */
const after = <Result>(settled: Promise<unknown>, read: () => Result): Promise<Result> => settled.then(read)
