import type { Database, Transaction } from '../../database/index.ts'
import { Changes } from '../changes.ts'
import type { Entry, TagVersion } from '../entries/entry.ts'
import { countTagChange, countTags, deleteTags, selectTag, setTag } from '../sql.ts'

/** What every transaction touches that invalidates tags. */
const tagTopic = 'handcar.cache.tags'
/** How many versions are kept in memory. */
const most = 50_000
/** The row that counts the changes. No tag is empty. */
const countRow = ''
/** The row of all tags that have none of their own. No tag has this character in it. */
const baseRow = '\0'
/** How many rows there may be, and after how many changes they are counted. */
const mostRows = 100_000
const countInterval = 1_000

interface TagRow {
  version: number
  changed: number
}

/** The tags as they are at one moment, to tell later whether a tag was changed since. */
export interface TagMoment {
  /** How many changes there had been. */
  readonly changed: number
  /** The version of the count, which no other history has. */
  readonly version: number
}

/** A whole number that will not come again, small enough for a number. */
export const randomVersion = (): number => Math.floor(Math.random() * 281_474_976_710_656)

/**
 * The versions of tags. An entry has the versions that its tags had before its value was made; it counts as long as they are the
 * present ones. So whatever began before an invalidation committed, and however late it ends, cannot bring an old value back.
 *
 * Versions are read from the file where the invalidations are, and kept until one is committed, here or elsewhere. Inside a
 * transaction of that file they are read through it.
 *
 * A tag that was never invalidated has no row. When there are very many rows, all of them go at once, and whatever has no row gets a new
 * version, so that nothing of before can match: every entry with tags is then a miss once.
 */
export class Tags {
  readonly #database: Database
  readonly #isShared: boolean
  readonly #changes: Changes
  readonly #versions = new Map<string, number>()
  #moment: TagMoment = { changed: 0, version: 0 }
  #epoch = 1
  #unsubscribe: (() => void) | undefined

  /** @param isShared Whether others than the cache write to the database: then an invalidation may be part of a transaction of theirs. */
  constructor(database: Database, isShared: boolean) {
    this.#database = database
    this.#isShared = isShared
    this.#changes = new Changes(
      () => database.dataVersion,
      (hasChanged) => {
        if (hasChanged) this.#compare()
      },
    )
  }

  /** Begins to hear of this process's own invalidations; those of others are looked for at each question. */
  start(): void {
    this.reset()
    // In the cache's own file only `invalidate` changes tags.
    if (!this.#isShared) {
      this.#unsubscribe = this.#changes.join(this.#database)
      return
    }
    this.#unsubscribe = this.#database.onCommit(
      ({ origin }) => {
        if (origin === 'here') this.#renew()
      },
      [tagTopic],
    )
  }

  stop(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }

  reset(): void {
    this.#changes.reset()
    this.#renew()
  }

  /** Whether the tags of an entry are still what they were when its value was made. */
  areCurrent(entry: Entry): boolean {
    const { tags } = entry
    if (tags === undefined) return true
    if (this.#database.isInTransaction) return this.#compareVersions(tags, (tag) => this.#read(tag).version)
    this.#changes.look()
    if (entry.tagEpoch !== this.#epoch) {
      entry.areTagsCurrent = this.#compareVersions(tags, (tag) => this.#versionOf(tag))
      entry.tagEpoch = this.#epoch
    }
    return entry.areTagsCurrent
  }

  /** Whether versions are still the present ones. */
  stillCurrent(tags: readonly TagVersion[] | undefined): boolean {
    return tags === undefined || this.#compareVersions(tags, (tag) => this.#current(tag))
  }

  /** The versions of tags, now. */
  versionsOf(tags: readonly string[]): TagVersion[] | undefined {
    if (tags.length === 0) return undefined
    return [...new Set(tags)].map((tag) => [tag, this.#current(tag)] as const)
  }

  /** The present moment, for {@link versionsSince}. */
  now(): TagMoment {
    if (this.#database.isInTransaction) return this.#readRow(countRow)
    this.#changes.look()
    return this.#moment
  }

  /** The versions that tags had at a moment; `undefined` when one of them may have been changed since. */
  versionsSince(moment: TagMoment, tags: readonly string[]): TagVersion[] | undefined {
    const now = this.now()
    if (now.version !== moment.version) {
      if (now.changed <= moment.changed) return undefined
      if (tags.some((tag) => this.#read(tag).changed > moment.changed)) return undefined
    }
    return this.versionsOf(tags) ?? []
  }

  /** Ends everything that has one of the tags, at the commit of the transaction in which it is called, or of one of its own. */
  async invalidate(tags: readonly string[]): Promise<void> {
    await this.#database.write(function invalidate(tx) {
      const { changed } = tx.get<TagRow>(countTagChange, [randomVersion()])!
      if (changed % countInterval === 0) prune(tx, changed)
      for (const tag of tags) tx.run(setTag, [tag, randomVersion(), changed])
      tx.touch(tagTopic)
    })
    if (this.#isShared) return
    this.#renew()
    this.#changes.committed()
  }

  #current(tag: string): number {
    if (this.#database.isInTransaction) return this.#read(tag).version
    this.#changes.look()
    return this.#versionOf(tag)
  }

  #compareVersions(tags: readonly TagVersion[], versionOf: (tag: string) => number): boolean {
    for (const [tag, version] of tags) if (versionOf(tag) !== version) return false
    return true
  }

  #versionOf(tag: string): number {
    let version = this.#versions.get(tag)
    if (version === undefined) {
      version = this.#read(tag).version
      if (this.#versions.size >= most) this.#versions.clear()
      this.#versions.set(tag, version)
    }
    return version
  }

  #read(tag: string): TagRow {
    return this.#database.get<TagRow>(selectTag, [tag]) ?? this.#readRow(baseRow)
  }

  #readRow(row: typeof countRow | typeof baseRow): TagRow {
    return this.#database.get<TagRow>(selectTag, [row]) ?? { version: 0, changed: 0 }
  }

  /** Somebody else has committed: perhaps an invalidation. */
  #compare(): void {
    if (this.#readRow(countRow).version !== this.#moment.version) this.#renew()
  }

  #renew(): void {
    this.#versions.clear()
    this.#epoch++
    this.#moment = this.#database.state === 'started' ? this.#readRow(countRow) : { changed: 0, version: 0 }
  }
}

/** Deletes all rows when there are too many. */
function prune(tx: Transaction, changed: number): void {
  if (tx.get<{ tags: number }>(countTags)!.tags <= mostRows) return
  // Without a condition SQLite drops the pages and looks at no row.
  tx.run(deleteTags)
  for (const row of [countRow, baseRow]) tx.run(setTag, [row, randomVersion(), changed])
}
