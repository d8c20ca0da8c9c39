export { importApp, type App, type AppFactory } from './app-module.ts'
export { branchesOf, createBranch, type AppBranch } from './branch.ts'
export {
  defineConfig,
  type BackupConfig,
  type CacheConfig,
  type Config,
  type DatabaseConfig,
  type EnvironmentName,
  type JobsConfig,
  type LogConfig,
  type LogFormat,
  type LogLevel,
  type ProcessesConfig,
  type ProgramConfig,
  type RealtimeConfig,
  type ServerConfig,
} from './config.ts'
export { Handcar, type HandcarOptions, type Role } from './handcar.ts'
export { loadConfig, type LoadOptions } from './load-config.ts'
export { createLogger } from './logger.ts'
export { partMigrations } from './part-migrations.ts'
export { prepareRelease, type PrepareHook } from './prepare.ts'
export type { ResolvedConfig } from './resolve-config.ts'
export { webServer } from './web-server.ts'
export { snapshotBeforeMigrations, snapshotsOf } from './snapshots.ts'
export { contentsOfReplicas, readVerifications, verifyDatabases } from './verification.ts'
export { backupFolderOf, plannedReplication, replicationIn, replicates } from './replication.ts'
export { restoreDatabases, restoreMissing } from './restore.ts'
export { runSupervisor } from './serve.ts'
export { secrets } from './settings.ts'
