import type { Space } from '../spaces/space.ts'
import { Codec } from './codec.ts'
import { copyTree } from './tree.ts'

/** The version of a tag, as it was before the value was made. */
export type TagVersion = readonly [tag: string, version: number]

/** A row of the table, as the driver returns it. */
export interface EntryRow {
  space: number
  key: string
  version: number
  expires_at: number | null
  stale_until: number | null
  created_at: number
  cost: number
  tags: string | null
  kind: number
  value: string | number | Uint8Array
}

/** An entry as it is in the file, in memory, or on its way to the file. */
export class Entry {
  readonly space: Space
  readonly key: string
  /** Where it is, in the generation of its space with this number. */
  id: number
  number: number
  /** Random, another one for each write. */
  readonly version: number
  /** From then on it is not fresh any more; `Infinity` for never. */
  expiresAt: number
  /** From then on it is gone. */
  staleUntil: number
  readonly createdAt: number
  /** How long it took to make the value, in milliseconds. */
  readonly cost: number
  readonly tags: readonly TagVersion[] | undefined
  readonly kind: number
  readonly stored: string | number | Uint8Array

  /** The state of the file at which it was last known to be in it. */
  epoch = 0
  /** The state of the tags at which they were last compared, and what came out. */
  tagEpoch = -1
  areTagsCurrent = true
  /** When its use was last noted. */
  markedAt = 0
  /** Neighbours in the memory layer, and whether it was used since the hand passed. */
  newer: Entry | undefined = undefined
  older: Entry | undefined = undefined
  wasUsed = false
  #uses = 0
  #decoded: unknown = undefined

  constructor(
    space: Space,
    id: number,
    key: string,
    version: number,
    expiresAt: number,
    staleUntil: number,
    createdAt: number,
    cost: number,
    tags: readonly TagVersion[] | undefined,
    kind: number,
    stored: string | number | Uint8Array,
  ) {
    this.space = space
    this.id = id
    this.number = space.number
    this.key = key
    this.version = version
    this.expiresAt = expiresAt
    this.staleUntil = staleUntil
    this.createdAt = createdAt
    this.cost = cost
    this.tags = tags
    this.kind = kind
    this.stored = stored
  }

  static ofRow(space: Space, id: number, row: EntryRow): Entry {
    return new Entry(
      space,
      id,
      row.key,
      row.version,
      row.expires_at ?? Infinity,
      row.stale_until ?? Infinity,
      row.created_at,
      row.cost,
      row.tags === null ? undefined : readTagVersions(row.tags),
      row.kind,
      row.value,
    )
  }

  /** How much of the memory layer it takes, in bytes. */
  get size(): number {
    const { stored } = this
    return (typeof stored === 'number' ? 8 : stored.length) + this.key.length + 200
  }

  /**
   * The value, as the caller's own: what a caller does to it changes nobody else's.
   *
   * @throws when it cannot be read
   */
  value(codec: Codec): unknown {
    const { kind, stored } = this
    const handling = Codec.handling(kind)
    if (handling === 'decode') return codec.decode(kind, stored, this.key)
    if (handling === 'as it is' && kind < 16) return stored
    // What is read once is not worth keeping twice; from the second time on a copy is faster than reading the text again.
    if (this.#uses++ === 0) return codec.decode(kind, stored, this.key)
    if (this.#uses === 2) this.#decoded = codec.decode(kind, stored, this.key)
    return handling === 'copy' ? copyTree(this.#decoded) : this.#decoded
  }
}

/** How the tags of an entry are kept. */
export function writeTagVersions(tags: readonly TagVersion[] | undefined): string | null {
  return tags === undefined ? null : JSON.stringify(tags)
}

/** What {@link writeTagVersions} has written. */
export function readTagVersions(text: string): TagVersion[] {
  return JSON.parse(text) as TagVersion[]
}
