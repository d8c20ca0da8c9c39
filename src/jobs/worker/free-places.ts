import type { Engine } from '../engine.ts'
import { countRunning, selectBlockedKeys } from '../sql.ts'
import { limitOf, unblock } from './limits.ts'

/**
 * Unblocks what has a place but was not told: jobs whose limit this code has raised, or whose key was held by a row that somebody
 * deleted.
 */
export async function freePlaces({ database, definitions }: Engine): Promise<void> {
  const free = database
    .all<{ limit_key: string; first: string }>(selectBlockedKeys)
    .map(({ limit_key: key, first }) => {
      const [name = '', count] = first.split('\0')
      return { key, limit: limitOf(definitions.get(name), Number(count)) }
    })
    .filter(({ key, limit }) => database.get<{ running: number }>(countRunning, [key])!.running < limit)
  if (free.length > 0) {
    await database.write((tx) => free.forEach(({ key, limit }) => unblock(tx, key, limit)))
  }
}
