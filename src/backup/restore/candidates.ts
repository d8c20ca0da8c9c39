import { HandcarError } from '../../core/index.ts'
import type { ReplicatedDatabase } from '../litestream/config.ts'
import { addressOf } from '../litestream/replica.ts'
import { chooseRestores, spanOf, type RestoreChoice, type RestoreRange } from './moments.ts'
import type { RestoreOptions } from './restore.ts'
import { RestoreSource } from './source.ts'

/** A state that a replica has. */
export interface RestoreCandidate {
  source: RestoreSource
  choice: RestoreChoice
  /** The newest moment that it can be of, in milliseconds since 1970. */
  newestAt: number
}

/** What one replica of a database has. */
interface ReplicaRanges {
  source: RestoreSource
  ranges: RestoreRange[]
}

/**
 * Asks all replicas of a database which moments they have. One that cannot be read does not count, unless none can.
 *
 * @throws HandcarError `HANDCAR_RESTORE_FAILED`
 */
async function listRanges(
  database: ReplicatedDatabase,
  folder: string,
  { replicas, binary, environment, progress = () => {} }: RestoreOptions,
): Promise<ReplicaRanges[]> {
  const found: ReplicaRanges[] = []
  let failure: unknown
  for (const replica of replicas) {
    const source = await RestoreSource.open({ binary, replica, database, environment, folder })
    progress(`looking into ${source.address}`)
    try {
      found.push({ source, ranges: await source.ranges() })
    } catch (error) {
      failure ??= error
      progress((error as Error).message)
    }
  }
  if (failure !== undefined && found.every(({ ranges }) => ranges.length === 0)) throw failure
  return found
}

/**
 * Finds the states that can be restored, the newest first.
 *
 * @throws HandcarError `HANDCAR_BACKUP_EMPTY`, `HANDCAR_RESTORE_FAILED`
 */
export async function findCandidates(
  database: ReplicatedDatabase,
  folder: string,
  options: RestoreOptions,
): Promise<RestoreCandidate[]> {
  const { at } = options
  const listed = await listRanges(database, folder, options)
  const candidates = listed.flatMap(({ source, ranges }) =>
    chooseRestores(ranges, at).map((choice) => ({
      source,
      choice,
      newestAt: Math.min(choice.range.to, at ?? Infinity),
    })),
  )
  if (candidates.length > 0) return candidates.toSorted((one, other) => other.newestAt - one.newestAt)
  throw empty(database, options, spanOf(listed.flatMap(({ ranges }) => ranges)))
}

function empty(
  { name }: ReplicatedDatabase,
  { replicas, at }: RestoreOptions,
  span: { from: number; to: number } | undefined,
): HandcarError {
  const where = replicas.map((replica) => addressOf(replica, name)).join(', ')
  if (span === undefined)
    return new HandcarError(
      'HANDCAR_BACKUP_EMPTY',
      `There is no backup of the database "${name}" in ${where}`,
    )
  const oldest = new Date(span.from).toISOString()
  return new HandcarError(
    'HANDCAR_BACKUP_EMPTY',
    `The oldest state of the database "${name}" in ${where} is of ${oldest}, and one of ${new Date(at!).toISOString()} was asked for`,
    { details: { ...span } },
  )
}
