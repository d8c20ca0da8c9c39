export { readSnapshotSettings, type SnapshotSettings, type SnapshotsOptions } from './snapshots/options.ts'
export { readLimits as readSnapshotLimits, type SnapshotLimits } from './snapshots/retention.ts'
export type { NewSnapshot, Snapshot, SnapshotReason } from './snapshots/snapshot.ts'
export {
  Snapshots,
  type CreateSnapshotOptions,
  type PruneOptions,
  type RestoreSnapshotOptions,
} from './snapshots/snapshots.ts'
export type { RestoredFile } from './restore/restore-file.ts'
