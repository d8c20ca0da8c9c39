export { Coordinator, type CoordinatorOptions, type CoordinatorStats } from './coordinator.ts'
export type { CheckpointerStats } from './checkpointer.ts'
export type { SqliteReport } from './compile-options.ts'
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
  PinnedMessage,
  QueryMessage,
  WaitMessage,
} from './events.ts'
export { FileLock } from './file-lock.ts'
export type { LockHolder } from './lock-holders.ts'
export type { Migration } from './migration.ts'
export type { CheckpointerOptions, DatabaseOptions, Extension, ReaderOptions } from './options.ts'
export type { SqlParameter, SqlParameters } from './parameters.ts'
export type { Pragmas } from './pragmas.ts'
export { Query, sql, type QueryInput } from './query.ts'
export type { ReaderPoolStats } from './reader-pool.ts'
export { ReadTransaction, Transaction } from './transaction.ts'
export type { CommitListener, CommitNotice } from './wake.ts'
export type { Durability } from './write-queue.ts'
export type { WriterStats } from './writer.ts'
