import { setTimeout as sleep } from 'node:timers/promises'
import { option, readOptions, type Size } from '../core/index.ts'
import type { Database } from './database.ts'
import type { Transaction } from './transaction.ts'

/** Options of {@link Database.shrink}. */
export interface ShrinkOptions {
  /** How many bytes of free pages stay in the file for the rows to come. Default: 0. */
  keep?: Size
  /** Ends it after the write that runs. */
  signal?: AbortSignal
}

/** A value of `pragma auto_vacuum`. */
const incremental = 2
/** How many pages one write gives back at first, and at most. */
const pages = { first: 32, most: 2_048 }
/** How long one write may take, in milliseconds. */
const longest = 2

/** Gives free pages back. See `Database.shrink`. */
export async function shrink(database: Database, options: ShrinkOptions | undefined): Promise<number> {
  const { keep, signal } = readOptions('database.shrink', options, {
    keep: option.size(0),
    signal: option.signal,
  })
  if (read(database, 'auto_vacuum') !== incremental) return 0
  const pageSize = read(database, 'page_size')
  const kept = Math.ceil(keep / pageSize)
  let freed = 0
  let count = pages.first
  while (!isAborted(signal) && read(database, 'freelist_count') > kept) {
    const startedAt = performance.now()
    let took = 0
    const gone = await database.write(
      (tx) => {
        const beganAt = performance.now()
        const before = read(tx, 'freelist_count')
        tx.connection.exec(`pragma incremental_vacuum(${Math.min(count, Math.max(0, before - kept))})`)
        took = performance.now() - beganAt
        return before - read(tx, 'freelist_count')
      },
      { label: 'handcar.shrink', durability: 'os' },
    )
    freed += gone
    if (gone === 0) break
    count = took > longest ? Math.max(1, count >> 1) : Math.min(pages.most, count << 1)
    // Others write four times as long as this does.
    await sleep(4 * (performance.now() - startedAt), undefined, { signal }).catch(() => {})
  }
  return freed * pageSize
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

function read(database: Pick<Database | Transaction, 'get'>, name: string): number {
  return Object.values(database.get<Record<string, number>>(`pragma ${name}`)!)[0]!
}
