import type { ResolvedReplica } from '../litestream/replica.ts'
import type { LitestreamLine } from '../litestream/version.ts'

/**
 * The moment to name to Litestream, so that nothing younger than `at` comes back. It goes by the times of the files of the replica, and those
 * are cut to seconds in buckets and by SFTP: what was sent in the second of `at` may be younger. Only Litestream 0.5 writes the exact time
 * beside the objects in a bucket.
 *
 * @param at Milliseconds since 1970, like what is returned.
 */
export function momentToName(at: number, line: LitestreamLine, type: ResolvedReplica['type']): number {
  const isExact = type === 'folder' || (type === 's3' && line === '0.5')
  return isExact ? at : Math.floor(at / 1_000) * 1_000 - 1
}
