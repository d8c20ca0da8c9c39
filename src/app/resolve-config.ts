import { existsSync, realpathSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { snapshotIntervalOf, type ResolvedReplica } from '../backup/index.ts'
import { resolveCacheSettings, type CacheSettings } from '../cache/index.ts'
import { option, readOptions, type OptionReader } from '../core/index.ts'
import { resolveDatabaseOptions, type DatabaseOptions } from '../database/index.ts'
import { resolveJobsOptions } from '../jobs/index.ts'
import { resolveRealtimeSettings } from '../realtime/index.ts'
import {
  currentEnvironment,
  type Config,
  type Environment,
  type EnvironmentName,
  type JobsConfig,
  type LogFormat,
  type RealtimeConfig,
} from './config.ts'
import { branchOf, type AppBranch } from './branch.ts'
import { settings, variables, type SettingsOf, type SettingsTable } from './settings.ts'
import { webProcesses } from './web-processes.ts'

type Settings = SettingsOf<typeof settings>

/** A configuration with every value filled in: paths absolute, durations in milliseconds, sizes in bytes. */
export interface ResolvedConfig extends Omit<
  Settings,
  'database' | 'jobs' | 'cache' | 'realtime' | 'backup' | 'processes' | 'log'
> {
  /** The app's folder. */
  readonly folder: string
  /** Path of the configuration file; `undefined` when there is none. */
  readonly file: string | undefined
  readonly database: DatabaseOptions
  /** The git branch whose data these are; `undefined` when all branches share their data. */
  readonly branch: AppBranch | undefined
  readonly jobs: JobsConfig
  /** Path of the file of the cache, and what the cache keeps. */
  readonly cache: CacheSettings & { readonly path: string }
  readonly realtime: RealtimeConfig
  readonly backup: Settings['backup'] & { readonly snapshotInterval: number }
  readonly processes: Omit<Settings['processes'], 'web'> & { readonly web: number }
  readonly log: Omit<Settings['log'], 'format'> & { readonly format: LogFormat }
  /** Where each value comes from, by its dotted name: `default`, `handcar.config.ts`, `environment PORT`. */
  readonly origins: Readonly<Record<string, string>>
}

/** Where a configuration is used. */
export interface ResolveOptions {
  /** The folder from which relative paths count. Default: the current one. */
  folder?: string
  /** The file that the configuration came from. Default: none. */
  file?: string | undefined
  /** Variables that win over the configuration. Default: those of this process. */
  environment?: Environment
  /** What the app runs as when nobody says it. Default: `'production'` */
  defaultEnvironment?: EnvironmentName
}

/** Where the app's module is looked for. */
const appModules = ['src/app.ts', 'src/app.js', 'app.ts', 'app.js']
/** Where the module of the app's jobs is looked for. */
const jobsModules = ['src/jobs.ts', 'src/jobs/index.ts', 'src/jobs.js', 'src/jobs/index.js']
/** Where the module of the app's channels is looked for. */
const channelsModules = [
  'src/channels.ts',
  'src/channels/index.ts',
  'src/channels.js',
  'src/channels/index.js',
]
const migrationsFolder = 'db/migrations'

/** Path of the app's module when no configuration names it; `undefined` when there is none. */
export function findApp(folder: string): string | undefined {
  return firstExisting(folder, appModules)
}

function firstExisting(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((path) => existsSync(path))
}

/**
 * Fills in a configuration: the environment's variables first, then the configuration, then the defaults.
 *
 * @throws OptionsError `HANDCAR_OPTION_UNKNOWN`, `HANDCAR_OPTION_INVALID`; HandcarError `HANDCAR_BRANCH_NOT_FOUND`
 */
export function resolveConfig(config: Config, options: ResolveOptions = {}): ResolvedConfig {
  const {
    folder = process.cwd(),
    file,
    environment = currentEnvironment(),
    defaultEnvironment = 'production',
  } = options
  const reading: Reading = {
    source: file === undefined ? 'Handcar' : basename(file),
    environment,
    origins: {},
  }
  const { origins } = reading
  const values = readGroup(reading, settings, '')(config, reading.source) as Settings
  const runsAs = origins['environment'] === 'default' ? defaultEnvironment : values.environment
  const at = (path: string): string => resolve(folder, path)
  const root = realIfThere(at(values.data))
  const branch = branchOf(values.database.branches, { folder, root, runsAs })
  const data = branch?.data ?? root
  const { server, processes, log } = values
  return {
    folder,
    file,
    environment: runsAs,
    app: values.app === undefined ? findApp(folder) : at(values.app),
    prepare: values.prepare && at(values.prepare),
    data,
    server: {
      ...server,
      socket: server.socket && at(server.socket),
      staticFiles: server.staticFiles.map((each) => ({
        live: runsAs === 'development',
        ...each,
        folder: at(each.folder),
      })),
    },
    branch,
    database: databaseOptions(values, data, at, runsAs),
    jobs: jobsOptions(values, folder, at, reading.source),
    cache: cacheOptions(values, data, reading),
    realtime: realtimeOptions(values, folder, at, reading.source),
    backup: backupOptions(values, data, at, reading.source),
    processes: { ...processes, web: webProcesses(processes.web, runsAs) },
    programs: values.programs.map((program) => ({ ...program, cwd: at(program.cwd ?? '.') })),
    log: { ...log, format: log.format ?? defaultFormat(runsAs) },
    origins,
  }
}

/** What is known while settings are read. */
interface Reading {
  /** What the configuration is called. */
  source: string
  environment: Environment
  origins: Record<string, string>
}

/** Reads a group of settings, whose names begin with `prefix`. */
function readGroup(reading: Reading, table: SettingsTable, prefix: string): OptionReader<unknown> {
  const readers = Object.entries(table).map(([name, entry]): [string, OptionReader<unknown>] => [
    name,
    typeof entry === 'function'
      ? readSetting(reading, prefix + name, entry)
      : readGroup(reading, entry, `${prefix}${name}.`),
  ])
  return (value, name) => readOptions(name, value, Object.fromEntries(readers))
}

/** Reads one setting from the environment, or else from the configuration, or else takes its default. Both are checked. */
function readSetting(
  { source, environment, origins }: Reading,
  setting: string,
  read: OptionReader<unknown>,
): OptionReader<unknown> {
  const given = variableFor(setting, environment)
  return (value, name) => {
    const configured = read(value, name)
    origins[setting] = value === undefined ? 'default' : source
    if (given === undefined) return configured
    origins[setting] = `environment ${given.variable}`
    return read(given.value, `Environment variable ${given.variable}`)
  }
}

/** An empty variable counts as not set. */
function variableFor(
  setting: string,
  environment: Environment,
): { variable: string; value: unknown } | undefined {
  for (const [variable, each] of Object.entries(variables)) {
    const text = environment[variable]
    if (each.setting === setting && text) return { variable, value: each.convert(text) }
  }
  return undefined
}

/** The database checks its own options. */
function databaseOptions(
  { database: { file, migrations, branches: _branches, ...options } }: Settings,
  data: string,
  at: (path: string) => string,
  runsAs: EnvironmentName,
): DatabaseOptions {
  const hasMigrations = statSync(at(migrationsFolder), { throwIfNoEntry: false })?.isDirectory() ?? false
  const folder = migrations ?? (hasMigrations ? migrationsFolder : undefined)
  const resolved: DatabaseOptions = {
    ...onlyGiven(options),
    path: join(data, file),
    production: runsAs === 'production',
    ...(folder === undefined ? {} : { migrations: at(folder) }),
  }
  resolveDatabaseOptions(resolved)
  return resolved
}

/** The jobs check their own options. */
function jobsOptions(
  { jobs: { definitions, work, ...options } }: Settings,
  folder: string,
  at: (path: string) => string,
  source: string,
): JobsConfig {
  const file = definitions === undefined ? firstExisting(folder, jobsModules) : at(definitions)
  const given = { ...onlyGiven(options), work: onlyGiven(work) }
  resolveJobsOptions(given, `${source} option "jobs"`)
  return { ...given, ...(file !== undefined && { definitions: file }) }
}

/** The cache checks its own options. */
function cacheOptions({ cache, database }: Settings, data: string, { source, origins }: Reading) {
  const { file, ...options } = cache
  const given = onlyGiven<CacheSettings>(options)
  const name = `${source} option "cache"`
  const { encryption, ...rest } = given
  resolveCacheSettings(rest, name)
  const isOfEnvironment = origins['cache.encryption']?.startsWith('environment ') === true
  if (encryption !== undefined)
    resolveCacheSettings({ encryption }, isOfEnvironment ? 'Environment variable HANDCAR_CACHE_KEYS' : name)
  const path = join(data, file)
  if (path === join(data, database.file))
    throw option.invalidOption(`${name} option "file"`, 'another file than that of the database', file)
  return { ...given, path }
}

/** Realtime checks its own options. */
function realtimeOptions(
  { realtime: { channels, ...options }, server }: Settings,
  folder: string,
  at: (path: string) => string,
  source: string,
): RealtimeConfig {
  const file = channels === undefined ? firstExisting(folder, channelsModules) : at(channels)
  const given = onlyGiven(options)
  const { path } = resolveRealtimeSettings(given, `${source} option "realtime"`)
  // Without channels nothing is served at the path that nobody has named.
  const isServed = file !== undefined || path !== undefined
  if (isServed && belowRealtime(path).includes(server.healthPath))
    throw option.invalidOption(
      `${source} option "realtime.path"`,
      `another path than that of the health check, server.healthPath ("${server.healthPath}")`,
      path ?? defaultRealtimePath,
    )
  return { ...given, ...(file !== undefined && { channels: file }) }
}

const defaultRealtimePath = '/realtime'

/** Where realtime answers. */
const belowRealtime = (path = defaultRealtimePath): string[] => [path, `${path}/client.js`]

/** A replica in the data folder would be lost with it. */
function backupOptions(
  { backup }: Settings,
  data: string,
  at: (path: string) => string,
  source: string,
): ResolvedConfig['backup'] {
  const name = `${source} option "backup"`
  const replicas = backup.replicas.map((replica): ResolvedReplica => {
    if (replica.type === 's3') return replica
    if (replica.type === 'sftp') return { ...replica, keyPath: at(replica.keyPath) }
    const path = realIfThere(at(replica.path))
    if (path !== data && !path.startsWith(`${data}/`)) return { ...replica, path }
    throw option.invalidOption(
      `${name} replica "${replica.name}"`,
      'a folder outside of the data folder',
      path,
    )
  })
  return {
    ...backup,
    replicas,
    binary: backup.binary && at(backup.binary),
    snapshotInterval: snapshotIntervalOf(backup, name),
  }
}

function onlyGiven<Options extends object>(options: Options): Partial<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<Options>
}

/** One folder has one path, by which everybody who looks for its supervisor finds it. */
function realIfThere(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

const defaultFormat = (runsAs: EnvironmentName): LogFormat =>
  runsAs === 'development' || process.stdout.isTTY ? 'pretty' : 'json'
