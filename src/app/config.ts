import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { ReplicationSettings, SnapshotSettings, VerifySettings } from '../backup/index.ts'
import type { CacheSettings } from '../cache/index.ts'
import { HandcarError, type Duration, type Size } from '../core/index.ts'
import type { DatabaseOptions } from '../database/index.ts'
import type { JobsOptions, WorkOptions } from '../jobs/index.ts'
import type { RealtimeSettings } from '../realtime/index.ts'
import type { StaticFilesOptions } from '../server/index.ts'

/**
 * What an app sets: `export default defineConfig({ … })` in `handcar.config.ts`. Everything has a default. A variable of the
 * environment wins over the file; `handcar config` prints what is in force and where it comes from.
 *
 * Relative paths count from the folder of the file.
 */
export interface Config {
  /** The module of the app; see {@link App}. Default: `src/app.ts`, `src/app.js`, `app.ts` or `app.js`, the first that exists. */
  app?: string
  /**
   * A module whose default export `(handcar) => Promise<void>` runs once after the migrations and before the first new process,
   * at each start and reload: for seeds and search indexes. Default: none.
   */
  prepare?: string
  /** The folder of everything that must be kept (HANDCAR_DATA). Default: `'data'` */
  data?: string
  /** What the app runs as (NODE_ENV). Default: `'production'`; `handcar dev`: `'development'` */
  environment?: EnvironmentName
  /** How requests arrive. */
  server?: ServerConfig
  /** The app's database. */
  database?: DatabaseConfig
  /** The app's jobs. */
  jobs?: JobsConfig
  /** The app's cache. */
  cache?: CacheConfig
  /** The app's channels. */
  realtime?: RealtimeConfig
  /** Copies of the app's database. */
  backup?: BackupConfig
  /** The processes of the app. */
  processes?: ProcessesConfig
  /** Programs that run beside the app and are kept running. Default: none. */
  programs?: readonly ProgramConfig[]
  /** The log, on standard output. */
  log?: LogConfig
}

/** What an app runs as. */
export type EnvironmentName = 'production' | 'development' | 'test'

/** How requests arrive. */
export interface ServerConfig {
  /** The address to listen on (HOST). Default: `'127.0.0.1'` */
  host?: string
  /** The port to listen on (PORT); 0 for any free one. Default: 3000 */
  port?: number
  /** Path of a unix socket to listen on, in the place of host and port. Default: none. */
  socket?: string
  /** Folders of files that are served before the app is asked. Default: none. `live` is on in development. */
  staticFiles?: readonly StaticFilesOptions[]
  /** Compresses texts of 1 kB and more. Default: true */
  compression?: boolean
  /** The largest body of a request. Default: `'16mb'` */
  bodyLimit?: Size
  /** How long receiving a whole request may take. Default: `'60s'` */
  requestTimeout?: Duration
  /** How long receiving the headers of a request may take. Default: `'20s'` */
  headersTimeout?: Duration
  /** How long an idle connection is kept: longer than the proxy before it keeps it. Default: `'65s'` */
  keepAliveTimeout?: Duration
  /** Addresses and CIDR ranges whose X-Forwarded-* headers are believed; `'loopback'`, `'private'`. Default: `['loopback']` */
  trustedProxies?: readonly string[]
  /** One line in the log for each request. Default: true */
  accessLog?: boolean
  /** Where proxies ask whether a process is well. Default: `'/up'` */
  healthPath?: string
  /** The bearer token that opens the details of `/up` (HANDCAR_STATUS_TOKEN). Default: nobody sees them. */
  statusToken?: string
}

/** The app's database: the options of `Database`, without what follows from the rest of the configuration. */
export interface DatabaseConfig extends Omit<
  DatabaseOptions,
  'path' | 'logger' | 'partMigrations' | 'production' | 'readOnly'
> {
  /** Name of the file in the data folder. Default: `'app.sqlite3'` */
  file?: string
  /** Folder of the app's migrations. Default: `'db/migrations'` if it exists. */
  migrations?: string
  /**
   * A data folder for each git branch, in development only (HANDCAR_BRANCHES). A branch begins with a copy of the data of the default
   * branch, or with `'schema'` with empty tables. Default: false
   */
  branches?: boolean | 'data' | 'schema'
}

/** The app's jobs: the options of `Jobs`, without what follows from the rest of the configuration. */
export interface JobsConfig extends Omit<
  JobsOptions,
  'database' | 'definitions' | 'recurring' | 'work' | 'clock' | 'logger' | 'stopTimeout'
> {
  /**
   * The module of the app's jobs: whatever it exports that `defineJob` or `defineRecurring` made, also in lists, is known to all
   * processes of the app. Default: `src/jobs.ts`, `src/jobs/index.ts`, `src/jobs.js` or `src/jobs/index.js`, the first that exists.
   */
  definitions?: string
  /** How those processes work that perform jobs: `processes.jobs` of them, or the web processes where that is 0. */
  work?: Omit<WorkOptions, 'begin'>
}

/** The app's cache: the options of `Cache`, without what follows from the rest of the configuration. */
export interface CacheConfig extends CacheSettings {
  /** Name of the file in the data folder. Default: `'cache.sqlite3'` */
  file?: string
}

/** The app's channels: the options of `Realtime`, without what follows from the rest of the configuration. */
export interface RealtimeConfig extends RealtimeSettings {
  /**
   * The module of the app's channels: whatever it exports that `defineChannel` made, also in lists, is known to all processes of the
   * app; a function that it exports as `authenticate` says who asks. Default: `src/channels.ts`, `src/channels/index.ts`,
   * `src/channels.js` or `src/channels/index.js`, the first that exists.
   */
  channels?: string
}

/** Copies of the app's database: changes go to `replicas` as they happen, in production only. */
export interface BackupConfig extends ReplicationSettings {
  /**
   * Whether a data folder without a database is filled from the replicas before the app starts: for a machine whose disk is new each
   * time. Refused when another machine may still write to them. Default: false
   */
  restoreIfMissing?: boolean
  /** Copies on the same disk, in `snapshots` in the data folder. */
  snapshots?: SnapshotSettings
  /**
   * How often each replica is restored and compared with the database, by a job of the app. `false`: never. Default:
   * `{ every: '24h', timeout: '30m' }`
   */
  verify?: VerifySettings | false
}

/** The processes of the app. */
export interface ProcessesConfig {
  /**
   * How many processes serve requests (WEB_CONCURRENCY). `'auto'`: as many as there are cores, but no more than the memory
   * carries at 120 MB each; 1 in development. Default: `'auto'`
   */
  web?: number | 'auto'
  /** How many processes perform jobs (JOBS_CONCURRENCY); 0: the web processes do it. Default: 0 */
  jobs?: number
  /** A process that uses more memory than this is replaced. Default: no limit. */
  maxRss?: Size
  /** How long a process may take until it is ready. Default: `'30s'` */
  bootTimeout?: Duration
  /** How long what was begun may take to finish when a process ends. Default: `'15s'` */
  stopTimeout?: Duration
  /** An event loop that stood still for so long is reported. Default: `'5s'` */
  blockedAfter?: Duration
  /** An event loop that stood still for so long is ended and replaced. Default: `'30s'` */
  blockedTimeout?: Duration
}

/** A program that runs beside the app and is kept running. */
export interface ProgramConfig {
  /** Names it in logs and in `handcar status`. */
  name: string
  command: string
  /** Default: none. */
  args?: readonly string[]
  /** Default: the app's folder. */
  cwd?: string
}

/** The log, on standard output. */
export interface LogConfig {
  /** The least severe lines that are written (LOG_LEVEL). Default: `'info'` */
  level?: LogLevel
  /** One JSON object a line, or lines for people (LOG_FORMAT). Default: pretty on a terminal and in development, else JSON. */
  format?: LogFormat
}

/** How severe a line of the log is. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** How a line of the log looks. */
export type LogFormat = 'json' | 'pretty'

/**
 * Declares the configuration of an app, as the default export of `handcar.config.ts`. It is returned as it is: its types help
 * while it is written, and it is checked when it is used.
 */
export function defineConfig(config: Config): Config {
  return config
}

/** Variables of an environment by their names. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Names of the variables that this process gave itself. */
const added = new Set<string>()

/** The variables of this process. */
export function currentEnvironment(): Environment {
  return process.env
}

/**
 * The variables that the processes of the app get: those that this process was started with. The ones of a `.env` file are not
 * among them, since each release brings its own.
 *
 * Compiled code is kept in Node's own folder for that, also of the first file, which `module.enableCompileCache()` would come
 * too late for: a process then needs not load what strips types from TypeScript (17 MB, 50 ms).
 */
export function inheritedEnvironment(): Environment {
  return {
    NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.has(name))),
  }
}

/**
 * Sets the variables of a `.env` file, if there is one, as far as they are not set already.
 *
 * @throws HandcarError `HANDCAR_CONFIG_FAILED` when it cannot be read
 */
export function loadEnvironmentFile(path: string): void {
  for (const [name, value] of Object.entries(parseEnv(readIfThere(path)))) {
    if (process.env[name] !== undefined) continue
    process.env[name] = value
    added.add(name)
  }
}

/** Tells libraries what the app runs as, unless they were told already. */
export function announceEnvironment(name: EnvironmentName): void {
  if (process.env['NODE_ENV']) return
  process.env['NODE_ENV'] = name
  added.add('NODE_ENV')
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw new HandcarError('HANDCAR_CONFIG_FAILED', `${path} cannot be read: ${String(cause)}`, { cause })
  }
}

/** How a service manager started this process. */
export interface ServiceVariables {
  /** Whether descriptor 3 is a socket that listens already (systemd's socket activation). */
  isActivated: boolean
  /** Where systemd wants to be told how the service is. */
  notifySocket: string | undefined
}

/**
 * Reads the variables that were meant for this process alone, and removes them: a child that saw them would believe that
 * they were meant for it (https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html).
 */
export function takeServiceVariables(): ServiceVariables {
  const { LISTEN_PID, LISTEN_FDS, NOTIFY_SOCKET } = process.env
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET']) delete process.env[name]
  return {
    isActivated: LISTEN_PID === String(process.pid) && Number(LISTEN_FDS) >= 1,
    notifySocket: NOTIFY_SOCKET || undefined,
  }
}
