export { giveToOwnerOf } from './owner.ts'
export { readKeep, type SnapshotSettings, type SnapshotsOptions } from './snapshots/options.ts'
export type { SnapshotLimits } from './snapshots/retention.ts'
export type { NewSnapshot, Snapshot, SnapshotReason } from './snapshots/snapshot.ts'
export {
  Snapshots,
  type CreateSnapshotOptions,
  type PruneOptions,
  type RestoreSnapshotOptions,
} from './snapshots/snapshots.ts'
export type { RestoredFile } from './restore/restore-file.ts'
