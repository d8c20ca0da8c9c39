import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { HandcarError } from '../../core/index.ts'
import {
  checkDatabase,
  Inspector,
  settleDatabase,
  type Extension,
  type FileReport,
} from '../../database/index.ts'
import type { RestoreRange } from '../restore/moments.ts'
import type { RestoreSource } from '../restore/source.ts'
import { Doubt } from './doubt.ts'
import type { Marker } from './marker.ts'
import { selectMarkers } from './sql.ts'

/** What was restored, and whether it has the marker. */
export interface RestoredCopy {
  report: FileReport
  hasMarker: boolean
}

/** What {@link restoreCopy} needs to know. */
export interface CopyOptions {
  source: RestoreSource
  /** Where it goes; what is there is removed. */
  file: string
  /** The database, in use. */
  path: string
  marker: Marker
  extensions: readonly Extension[]
  signal: AbortSignal
}

/**
 * Restores the newest state of a replica and looks through it from one end to the other.
 *
 * @throws Doubt when it is damaged; HandcarError as `RestoreSource.restore`; the signal's reason
 */
export async function restoreCopy(
  ranges: readonly RestoreRange[],
  options: CopyOptions,
): Promise<RestoredCopy> {
  const { source, file, path, marker, extensions, signal } = options
  for (const end of ['', '-wal', '-shm', '.tmp', '.tmp-wal', '.tmp-shm'])
    await rm(`${file}${end}`, { force: true })
  const range = ranges.reduce((one, other) => (other.to >= one.to ? other : one))
  await source.restore({ range, timestamp: undefined }, file, { onLine: () => {}, signal })
  if (!existsSync(file))
    throw new Doubt('failed', 'Litestream said that it was restored, and there is no file')
  try {
    const settled = await settleDatabase(file)
    await settled[Symbol.asyncDispose]()
    const report = await checkDatabase(file, { extensions, signal })
    if (Object.keys(report.migrations).length === 0)
      throw new Doubt('failed', 'What was restored has no table of migrations')
    if (report.foreignKeyViolations > 0) await compareViolations(path, report.foreignKeyViolations)
    return { report, hasMarker: await hasMarker(file, marker) }
  } catch (error) {
    const { code, message } = error as HandcarError
    throw code === 'HANDCAR_DATABASE_CORRUPT'
      ? new Doubt('failed', `What was restored is damaged: ${message}`)
      : error
  }
}

async function hasMarker(file: string, { id, writtenAt }: Marker): Promise<boolean> {
  using inspector = new Inspector(file)
  const found = await inspector.all<Pick<Marker, 'id' | 'writtenAt'>>(selectMarkers)
  return found.some((row) => row.id === id && row.writtenAt === writtenAt)
}

/** The database may have them as well: some apps do without foreign keys. To look is one long read, so it is given up after a while. */
async function compareViolations(path: string, restored: number): Promise<void> {
  using inspector = new Inspector(path)
  const counted = await inspector
    .all<{ count: number }>('select count(*) as count from pragma_foreign_key_check', '5s')
    .catch(() => undefined)
  if (counted?.[0]?.count !== 0) return
  throw new Doubt('failed', `What was restored has ${restored} rows that refer to rows that are not there`)
}
