import type { ReplicatedDatabase } from './config.ts'
import type { ResolvedReplica } from './replica.ts'

/** How often Litestream 0.3 looks at the WAL and considers a checkpoint, in milliseconds: its default of 1 s lets the WAL grow large. */
export const monitorInterval = 250

/** The log is read line by line; at level `info` it also finds out soon that nobody reads it any more, and ends. */
export const logging = { level: 'info', type: 'json', stderr: true }

/** A duration as Go writes it. */
export function goDuration(milliseconds: number): string {
  return `${Math.round(milliseconds)}ms`
}

/** Where a replica keeps a database, in keys that 0.3 and 0.5 have in common; `host-key` is of 0.5. */
export function placeOf(replica: ResolvedReplica, { name }: ReplicatedDatabase): object {
  const path = `${replica.path}/${name}`
  if (replica.type === 'folder') return { type: 'file', path }
  if (replica.type === 'sftp')
    return {
      type: 'sftp',
      host: `${replica.host}:${replica.port}`,
      user: replica.user,
      'key-path': replica.keyPath,
      path,
      ...(replica.hostKey !== undefined && { 'host-key': replica.hostKey }),
    }
  return {
    type: 's3',
    bucket: replica.bucket,
    path,
    region: replica.region,
    ...(replica.endpoint !== undefined && { endpoint: replica.endpoint }),
    'force-path-style': replica.forcePathStyle,
  }
}
