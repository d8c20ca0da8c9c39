export { defaultWalLimit, restartWindow } from './checkpoint-duty.ts'
export { ContentComparison, type ContentComparisonOptions, type ContentReport } from './content-comparison.ts'
export { Coordinator, type CoordinatorOptions, type CoordinatorStats } from './coordinator.ts'
export type { CheckpointerStats } from './checkpointer.ts'
export { isSafeVersion, sqliteLibrary, type SqliteReport } from './compile-options.ts'
export type { StatementKind } from './connection.ts'
export {
  Database,
  type DatabaseStats,
  type IterateOptions,
  type QueryOptions,
  type WriteOptions,
} from './database.ts'
export type { RunResult } from './driver.ts'
export type {
  BusyMessage,
  CheckpointMessage,
  CommitMessage,
  PausedMessage,
  PinnedMessage,
  QueryMessage,
  WaitMessage,
} from './events.ts'
export { FileIdentity } from './file-identity.ts'
export { FileLock } from './file-lock.ts'
export {
  changeDatabase,
  checkDatabase,
  copyDatabase,
  settleDatabase,
  type FileChange,
  type FileReport,
  type FileTaskOptions,
} from './file-tasks.ts'
export { fileSystemOf, type FileSystem, type FileSystemKind } from './file-systems.ts'
export { Inspector } from './inspector.ts'
export { databaseOpeners, lockHolders, type LockHolder } from './lock-holders.ts'
export { syncFolder } from './location.ts'
export { probeLocking, type LockingReport } from './locking-probe.ts'
export { listMigrations, type ListedMigration } from './migration-list.ts'
export { readMigrationStatus, type MigrationStatus } from './migration-status.ts'
export type { Migration } from './migration.ts'
export {
  resolveOptions as resolveDatabaseOptions,
  type CheckpointerOptions,
  type DatabaseOptions,
  type Extension,
  type ReaderOptions,
} from './options.ts'
export type { SqlParameter, SqlParameters } from './parameters.ts'
export type { Pragmas } from './pragmas.ts'
export { ProcessSeat } from './process-seat.ts'
export { Query, sql, type QueryInput } from './query.ts'
export type { ReaderPoolStats } from './reader-pool.ts'
export { ReadTransaction, Transaction } from './transaction.ts'
export { refuse } from './refuse.ts'
export { SideBySide } from './side-by-side.ts'
export { SharedWrite, type SharedBody } from './shared-write.ts'
export type { ShrinkOptions } from './shrink.ts'
export type { CommitListener, CommitNotice } from './wake.ts'
export type { Durability } from './write-queue.ts'
export type { WriterStats } from './writer.ts'
