export type { DrainLimits, DrainReport } from './drain.ts'
export type { HealthCheck, HealthReport, HealthResult, HealthStatus } from './health.ts'
export type { UpgradeEnvironment, UpgradeListener } from './open-server.ts'
export type {
  FetchApp,
  ListenOptions,
  RequestEnvironment,
  ServerOptions,
  StaticFilesOptions,
} from './options.ts'
export { Server, type DrainListener, type DrainOptions } from './server.ts'
export type { ServerStats } from './server-stats.ts'
