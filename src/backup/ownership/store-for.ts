import type { ResolvedReplica } from '../litestream/replica.ts'
import { FolderStore } from './folder-store.ts'
import { S3Store } from './s3-store.ts'
import { SftpStore } from './sftp-store.ts'
import type { OwnerStore } from './store.ts'

/** The place for the text beside a replica. */
export function storeFor(
  replica: ResolvedReplica,
  environment: Readonly<Record<string, string | undefined>>,
): OwnerStore {
  if (replica.type === 'folder') return new FolderStore(replica.path)
  if (replica.type === 's3') return new S3Store(replica, environment)
  return new SftpStore(replica, environment)
}
