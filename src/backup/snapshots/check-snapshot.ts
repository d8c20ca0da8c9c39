import { CorruptionError } from '../../core/index.ts'
import { checkDatabase, type Extension, type FileReport } from '../../database/index.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * Reads a snapshot, or a copy of one, from one end to the other and compares it with what was written.
 *
 * @throws CorruptionError `HANDCAR_SNAPSHOT_DAMAGED`
 */
export async function checkSnapshot(
  path: string,
  { name, checksum }: Pick<Snapshot, 'name' | 'checksum'>,
  extensions: readonly Extension[],
): Promise<FileReport> {
  const damaged = (what: string, cause?: unknown): CorruptionError =>
    new CorruptionError('HANDCAR_SNAPSHOT_DAMAGED', `The snapshot ${name} is damaged: ${what}`, { cause })
  const report = await checkDatabase(path, { extensions }).catch((error: Error) => {
    throw error instanceof CorruptionError ? damaged(error.message, error) : error
  })
  if (checksum !== undefined && report.checksum !== checksum)
    throw damaged(`expected the checksum ${checksum}, got ${report.checksum}`)
  return report
}
