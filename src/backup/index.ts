export { giveToOwnerOf } from './owner.ts'
export { readKeep, type SnapshotSettings, type SnapshotsOptions } from './snapshots/options.ts'
export type { SnapshotLimits } from './snapshots/retention.ts'
export type { NewSnapshot, Snapshot, SnapshotReason } from './snapshots/snapshot.ts'
export type { CreateSnapshotOptions, PruneOptions, RestoreSnapshotOptions } from './snapshots/requests.ts'
export { Snapshots } from './snapshots/snapshots.ts'
export type { RestoredFile } from './restore/restore-file.ts'
export {
  findLitestream,
  limitsOf,
  type LitestreamBinary,
  type LitestreamSearch,
} from './litestream/binary.ts'
export { litestreamConfig, type ReplicatedDatabase, type ReplicationPlan } from './litestream/config.ts'
export { BackupFolder } from './litestream/folder.ts'
export {
  addressOf,
  type FolderReplica,
  type Replica,
  type ResolvedReplica,
  type S3Replica,
  type SftpReplica,
} from './litestream/replica.ts'
export type { LitestreamLine, LitestreamVersion } from './litestream/version.ts'
export {
  replicationReaders,
  snapshotIntervalOf,
  type ReplicationSettings,
  type ResolvedReplication,
} from './options.ts'
export {
  endedEvent,
  problemEvent,
  startedEvent,
  verifiedEvent,
  type ReplicationEndedMessage,
  type ReplicationProblem,
  type ReplicationProblemMessage,
  type ReplicationStartedMessage,
} from './events.ts'
export { Litestream } from './litestream/litestream.ts'
export type { LitestreamHost, LitestreamOptions } from './litestream/litestream-options.ts'
export type { ReplicaStatus, ReplicationStatus } from './litestream/status.ts'
export type { LastError } from './litestream/output.ts'
export { installLitestream, pinnedVersion, type InstallOptions } from './litestream/install.ts'
export { planLitestream } from './litestream/plan.ts'
export { Ownership, type OwnershipOptions } from './ownership/ownership.ts'
export { LitestreamSeat } from './litestream/seat.ts'
export type { InPlace } from './restore/in-place.ts'
export { restoreFromReplicas, type RestoredDatabase, type RestoreOptions } from './restore/restore.ts'
export { migrations as backupMigrations } from './verify/migrations.ts'
export {
  lastVerdict,
  lastVerifications,
  type Verdict,
  type Verification,
  type VerifiedReplica,
} from './verify/verification.ts'
export { judgeVerifications } from './verify/judge.ts'
export { readVerification, type ResolvedVerification, type VerifySettings } from './verify/options.ts'
export {
  readReplicaContents,
  type ReplicaContents,
  type ReplicaContentsOptions,
} from './verify/replica-contents.ts'
export { verifyBackup, type VerifyBackupOptions } from './verify/verify-backup.ts'
