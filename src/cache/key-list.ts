import type { Engine } from './engine.ts'
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

/** How many entries are looked at in one turn of the event loop. */
const keysAtOnce = 1_000

/** Keys of a space that have a fresh value, in the order of the file. A failure of the storage ends the list. */
export async function listKeys(
  { database, clock, spaces, faults }: Engine,
  space: Space,
  { prefix = '', limit = 1_000, after }: KeysOptions,
): Promise<string[]> {
  const found: string[] = []
  try {
    let last = after === undefined ? -1 : spaces.idOf(space, after)
    spaces.idOf(space, 'key')
    while (found.length < limit && !faults.isOff) {
      const rows = database.all<{ id: number; space: number; key: string; expires_at: number | null }>(
        selectPage,
        [last, keysAtOnce],
      )
      for (const row of rows) {
        last = row.id
        const isFresh = row.expires_at === null || row.expires_at > clock.now()
        if (row.space === space.number && isFresh && row.key.startsWith(prefix)) found.push(row.key)
        if (found.length === limit) return found
      }
      if (rows.length < keysAtOnce) break
      await new Promise((resolve) => setImmediate(resolve))
    }
  } catch (error) {
    faults.report('read', error)
  }
  return found
}
