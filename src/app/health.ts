import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Cache, HereStats } from '../cache/index.ts'
import { formatSize } from '../core/index.ts'
import type { Database } from '../database/index.ts'
import type { Jobs, LongestWait } from '../jobs/index.ts'
import type { Realtime, RealtimeHere } from '../realtime/index.ts'
import type { HealthCheck, HealthResult } from '../server/index.ts'

/** A WAL of more bytes is not being moved into the database. */
const largeWal = 256 * 1_024 ** 2
const lowDisk = 100 * 1_024 ** 2
const fullDisk = 20 * 1_024 ** 2

/** The next job of a queue has waited for so many milliseconds: too few are performed, or none. */
const longWait = 5 * 60_000

/** What has to be well for a process to serve. */
export interface Watched {
  database: Database
  jobs: Jobs
  cache: Cache
  realtime: Realtime
}

/** Whether the database answers, the WAL is bounded, the disk has room, the jobs move, the cache has its file, messages are delivered. */
export function healthChecks({ database, jobs, cache, realtime }: Watched): HealthCheck[] {
  return [
    { name: 'database', check: () => checkDatabase(database) },
    { name: 'wal', check: () => judgeWal(database.stats().wal.bytes) },
    { name: 'disk', check: () => checkDisk(dirname(database.path)) },
    { name: 'jobs', check: () => judgeWait(jobs.longestWait()) },
    { name: 'cache', check: () => judgeCache(cache.here) },
    { name: 'realtime', check: () => judgeRealtime(realtime.here) },
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

/** Jobs that wait are for people to look at; the requests can be served all the same. */
export function judgeWait(wait: LongestWait | undefined): HealthResult {
  const details = { longestWait: wait?.duration ?? 0 }
  if (wait === undefined || wait.duration < longWait) return { status: 'ok', details }
  const minutes = Math.floor(wait.duration / 60_000)
  const message = `The next job of queue "${wait.queue}" has waited for ${minutes} minutes`
  return { status: 'warning', message, details: { ...details, queue: wait.queue } }
}

/** An app without its cache is slower and not wrong. */
export function judgeCache(here: HereStats | undefined): HealthResult {
  if (here === undefined) return { status: 'warning', message: 'The cache is not started' }
  const details = { ...here }
  if (here.isOn) return { status: 'ok', details }
  return { status: 'warning', message: 'The storage of the cache cannot be used; the log says why', details }
}

/** What is not delivered now comes later: a process that were taken out of service for it would only send its clients away. */
export function judgeRealtime(here: RealtimeHere | undefined): HealthResult {
  if (here === undefined) return { status: 'ok' }
  const details = { ...here }
  if (here.isReading) return { status: 'ok', details }
  return { status: 'warning', message: 'The messages of realtime cannot be read; the log says why', details }
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
