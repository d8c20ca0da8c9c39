import { join } from 'node:path'
import { ContentComparison, type ContentReport, type Database, type Extension } from '../../database/index.ts'
import type { HandcarError } from '../../core/index.ts'
import type { LitestreamBinary } from '../litestream/binary.ts'
import { addressOf, type ResolvedReplica } from '../litestream/replica.ts'
import { RestoreSource } from '../restore/source.ts'
import { awaitMarker, type MarkedCopy } from './await-marker.ts'
import { Doubt } from './doubt.ts'
import { writeMarker } from './marker.ts'
import type { VerificationPlace } from './place.ts'
import type { Verification } from './verification.ts'

/** What {@link verifyReplica} needs to know. */
export interface ReplicaOptions {
  /** The database, open. */
  database: Database
  /** Its name in the backup. */
  name: string
  replica: ResolvedReplica
  binary: LitestreamBinary
  environment: Readonly<Record<string, string | undefined>>
  extensions: readonly Extension[]
  place: VerificationPlace
  patience: number
  /** Whether it had a backup before. */
  hadBackup: boolean
  /** Aborted when its time is over, or when nobody wants to know any more. */
  signal: AbortSignal
  progress: (message: string) => void
}

/** What was found out, as far as it came. */
type Findings = Pick<Verification, 'restorableAfter' | 'bytes' | 'rows' | 'compared'>

/**
 * Verifies one replica of a database that is in use. Whatever keeps it from an answer is an answer: inconclusive.
 *
 * @throws the reason of the signal `wanted`
 */
export async function verifyReplica(options: ReplicaOptions, wanted?: AbortSignal): Promise<Verification> {
  const { name, replica, binary, signal } = options
  const startedAt = performance.now()
  const about = {
    database: name,
    replica: replica.name,
    address: addressOf(replica, name),
    beganAt: Date.now(),
    litestream: binary.version,
  }
  const findings: Findings = { restorableAfter: null, bytes: null, rows: null, compared: null }
  const end = (verdict: Verification['verdict'], reason: string | null): Verification => ({
    ...about,
    verdict,
    reason,
    duration: Math.round(performance.now() - startedAt),
    ...findings,
  })
  try {
    await examine(options, findings)
    return end('verified', null)
  } catch (error) {
    wanted?.throwIfAborted()
    if (error instanceof Doubt) return end(error.verdict, error.message)
    if (signal.aborted) return end('inconclusive', 'It took longer than the time limit')
    const { message, fix } = error as Partial<HandcarError> & Error
    return end('inconclusive', fix === undefined ? message : `${message} (${fix})`)
  }
}

async function examine(options: ReplicaOptions, findings: Findings): Promise<void> {
  const { database, name, replica, binary, environment, extensions, place, signal, progress } = options
  const { path } = database
  await place.assertRoom(path)
  const source = await RestoreSource.open({
    binary,
    replica,
    database: { name, path },
    environment,
    folder: place.path,
  })
  progress(`reading ${path}`)
  await using comparison = await ContentComparison.begin(path, { extensions, signal })
  const file = join(place.path, `${replica.name}.sqlite3`)
  const copy = async (): Promise<MarkedCopy> => {
    progress(`waiting until what was written now is in ${source.address}`)
    const mark = () => writeMarker(database)
    const { patience, hadBackup } = options
    const onEmpty = hadBackup
      ? new Doubt('failed', 'Nothing can be restored from it any more')
      : new Doubt('inconclusive', 'There is nothing in it yet that could be restored')
    const made = await awaitMarker({ source, file, path, extensions, signal, patience, mark, onEmpty })
    findings.restorableAfter ??= made.restorableAfter
    findings.bytes = made.report.bytes
    progress('comparing what was restored with the database')
    return made
  }
  await copy()
  const first = await comparison.compare(file)
  note(first, findings)
  if (first.differences.length === 0) return
  progress('looking again at what differs')
  await comparison.watch()
  await copy()
  const { differences } = await comparison.compare(file)
  if (differences.length > 0)
    throw new Doubt(
      'failed',
      `What was restored has other rows than the database in ${differences.join(', ')}`,
    )
}

function note({ rows, compared, hasSameSchema }: ContentReport, findings: Findings): void {
  findings.rows = rows
  findings.compared = compared
  if (hasSameSchema === undefined)
    throw new Doubt('inconclusive', 'Tables or indexes of the database were changed meanwhile')
  if (!hasSameSchema)
    throw new Doubt(
      'failed',
      'What was restored has other tables, indexes, triggers or views than the database',
    )
}
