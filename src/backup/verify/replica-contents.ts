import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LitestreamBinary } from '../litestream/binary.ts'
import type { ReplicatedDatabase } from '../litestream/config.ts'
import type { BackupFolder } from '../litestream/folder.ts'
import type { ResolvedReplica } from '../litestream/replica.ts'
import { spanOf } from '../restore/moments.ts'
import { RestoreSource } from '../restore/source.ts'

/** What a replica has of a database, or why that is not known. */
export interface ReplicaContents {
  /** The oldest and the newest moment that can be restored, in milliseconds since 1970; `undefined` when there is none. */
  span?: { from: number; to: number }
  /** Histories without a hole: generations of Litestream 0.3; 0.5 has one. */
  ranges?: number
  /** Whole copies. */
  snapshots?: number
  error?: string
}

/** What {@link readReplicaContents} needs to know. */
export interface ReplicaContentsOptions {
  database: ReplicatedDatabase
  replica: ResolvedReplica
  binary: Pick<LitestreamBinary, 'path' | 'line'>
  environment: Readonly<Record<string, string | undefined>>
  folder: BackupFolder
  /** Milliseconds. */
  timeout: number
}

/** Reads what a replica has of a database. Never throws: what cannot be read is told. */
export async function readReplicaContents(options: ReplicaContentsOptions): Promise<ReplicaContents> {
  const { folder, timeout, ...rest } = options
  const place = join(folder.path, `listing-${randomBytes(6).toString('hex')}`)
  const signal = AbortSignal.timeout(timeout)
  try {
    await mkdir(place, { recursive: true, mode: 0o700 })
    const source = await RestoreSource.open({ ...rest, folder: place })
    const ranges = await source.ranges(signal)
    const span = spanOf(ranges)
    const snapshots = ranges.length === 0 ? 0 : await source.snapshots(signal)
    return { ...(span && { span }), ranges: ranges.length, snapshots }
  } catch (error) {
    if (signal.aborted) return { error: `It did not answer within ${Math.round(timeout / 1_000)} s` }
    return { error: (error as Error).message }
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}
