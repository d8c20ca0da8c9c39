import { option, readOptions } from '../core/index.ts'
import type { Engine } from './engine.ts'
import { readTagVersions } from './entries/entry.ts'
import type { Space } from './spaces/space.ts'
import { selectPage } from './sql.ts'

/** Which keys to list. */
export interface KeysOptions {
  /** Only keys that begin with this. Default: all. */
  prefix?: string
  /** How many at most. Default: 1,000. */
  limit?: number
  /** Goes on after this key, the last one of the list before. Default: from the beginning. */
  after?: string
}

const anyText = option.matching('a text', (value): value is string => typeof value === 'string')

const readers = {
  prefix: (value: unknown, name: string) => (value === undefined ? '' : anyText(value, name)),
  limit: option.integer(1_000, { min: 1, max: Number.MAX_SAFE_INTEGER }),
  after: option.optional(anyText),
}

interface Row {
  id: number
  space: number
  key: string
  expires_at: number | null
  tags: string | null
}

/** How many entries are looked at in one turn of the event loop. */
const keysAtOnce = 1_000

/** Keys of a space that have a fresh value, in the order of the file. A failure of the storage ends the list. */
export async function listKeys(
  { database, clock, spaces, faults, tags }: Engine,
  space: Space,
  options: KeysOptions | undefined,
): Promise<string[]> {
  const { prefix, limit, after } = readOptions('cache.keys', options, readers)
  const found: string[] = []
  try {
    let last = after === undefined ? -1 : spaces.idOf(space, after)
    spaces.idOf(space, 'key')
    while (found.length < limit && !faults.isOff) {
      const rows = database.all<Row>(selectPage, [last, keysAtOnce])
      for (const row of rows) {
        last = row.id
        if (row.space !== space.number || !row.key.startsWith(prefix) || faults.hasLost(row.id)) continue
        if (row.expires_at !== null && row.expires_at <= clock.now()) continue
        if (row.tags !== null && !tags.stillCurrent(readTagVersions(row.tags))) continue
        found.push(row.key)
        if (found.length === limit) return found
      }
      if (rows.length < keysAtOnce) break
      await new Promise((resolve) => setImmediate(resolve))
    }
  } catch (error) {
    faults.missed(error)
  }
  return found
}
