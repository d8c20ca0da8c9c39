import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { formatSize } from '../core/index.ts'
import type { Database } from '../database/index.ts'
import type { HealthCheck, HealthResult } from '../server/index.ts'

/** A WAL of more bytes is not being moved into the database. */
const largeWal = 256 * 1_024 ** 2
const lowDisk = 100 * 1_024 ** 2
const fullDisk = 20 * 1_024 ** 2

/** What has to be well for a process to serve: its database answers, the WAL is bounded, the disk has room. */
export function healthChecks(database: Database): HealthCheck[] {
  return [
    { name: 'database', check: () => checkDatabase(database) },
    { name: 'wal', check: () => judgeWal(database.stats().wal.bytes) },
    { name: 'disk', check: () => checkDisk(dirname(database.path)) },
  ]
}

function checkDatabase(database: Database): HealthResult {
  database.get('select 1')
  return { status: 'ok' }
}

/** A large WAL slows down reads, but a process that is taken out of service for it would help nobody. */
export function judgeWal(bytes: number): HealthResult {
  if (bytes < largeWal) return { status: 'ok', details: { bytes } }
  const message = `The WAL holds ${formatSize(bytes)}: something keeps it from being checkpointed`
  return { status: 'warning', message, details: { bytes } }
}

async function checkDisk(folder: string): Promise<HealthResult> {
  const { bavail, bsize } = await statfs(folder)
  return judgeDisk(bavail * bsize)
}

/** With a full disk nothing can be written, and soon nothing can be opened. */
export function judgeDisk(freeBytes: number): HealthResult {
  const details = { freeBytes }
  if (freeBytes >= lowDisk) return { status: 'ok', details }
  const message = `${formatSize(freeBytes)} are free where the database lies`
  return { status: freeBytes < fullDisk ? 'failing' : 'warning', message, details }
}
