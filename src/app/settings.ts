import { readKeep, readVerification, replicationReaders } from '../backup/index.ts'
import { option, readOptions, type OptionReader } from '../core/index.ts'
import type {
  CacheConfig,
  DatabaseConfig,
  EnvironmentName,
  JobsConfig,
  LogFormat,
  LogLevel,
  ProgramConfig,
  RealtimeConfig,
} from './config.ts'
import type { StaticFilesOptions } from '../server/index.ts'

/** Readers of settings, by name; a group of settings is a table of its own. */
export interface SettingsTable {
  readonly [name: string]: OptionReader<unknown> | SettingsTable
}

/** What a table of settings reads. */
export type SettingsOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends OptionReader<infer Value>
    ? Value
    : SettingsOf<Table[Name]>
}

/** Options that `Database`, `Jobs`, `Cache` and `Realtime` check themselves. */
const passed: OptionReader<never> = (value) => value as never
const path = option.optional(option.text())

const databaseOptions = {
  durability: passed,
  newerSchema: passed,
  writeTimeout: passed,
  maxQueuedWrites: passed,
  batchSize: passed,
  batchDuration: passed,
  pragmas: passed,
  extensions: passed,
  cachedStatements: passed,
  slowQuery: passed,
  readers: passed,
  checkpointer: passed,
  strangerInterval: passed,
  wakeOn: passed,
  stopTimeout: passed,
} satisfies Record<Exclude<keyof DatabaseConfig, 'file' | 'migrations' | 'branches'>, typeof passed>

const workOptions = {
  slots: passed,
  queues: passed,
  ageing: passed,
  pace: passed,
  maxJobs: passed,
  maxRss: passed,
} satisfies Record<keyof NonNullable<JobsConfig['work']>, typeof passed>

const jobsOptions = {
  queues: passed,
  maxPayload: passed,
  retention: passed,
  trace: passed,
} satisfies Record<Exclude<keyof JobsConfig, 'definitions' | 'work'>, typeof passed>

const cacheOptions = {
  maxBytes: passed,
  maxEntries: passed,
  maxValue: passed,
  ttl: passed,
  memory: passed,
  compression: passed,
  encryption: passed,
} satisfies Record<Exclude<keyof CacheConfig, 'file'>, typeof passed>

const realtimeOptions = {
  origins: passed,
  path: passed,
  retention: passed,
  limits: passed,
  heartbeat: passed,
  highWater: passed,
  compression: passed,
  relay: passed,
  presenceGrace: passed,
  memory: passed,
} satisfies Record<Exclude<keyof RealtimeConfig, 'channels'>, typeof passed>

/** Every setting of `handcar.config.ts`, with its check and its default. */
export const settings = {
  app: path,
  prepare: path,
  data: option.text('data'),
  environment: option.oneOf<EnvironmentName>(['production', 'development', 'test'], 'production'),
  server: {
    host: option.text('127.0.0.1'),
    port: option.integer(3_000, { min: 0, max: 65_535 }),
    socket: path,
    staticFiles: listOf(readStaticFiles),
    compression: option.flag(true),
    bodyLimit: option.size(16 * 1_024 ** 2),
    requestTimeout: option.duration(60_000),
    headersTimeout: option.duration(20_000),
    keepAliveTimeout: option.duration(65_000),
    trustedProxies: listOf(option.text(), ['loopback']),
    accessLog: option.flag(true),
    healthPath: option.text('/up'),
    statusToken: option.optional(option.word),
  },
  database: {
    file: option.text('app.sqlite3'),
    migrations: path,
    branches: readBranches,
    ...databaseOptions,
  },
  jobs: { definitions: path, work: workOptions, ...jobsOptions },
  cache: { file: option.text('cache.sqlite3'), ...cacheOptions },
  realtime: { channels: path, ...realtimeOptions },
  backup: {
    snapshots: { beforeMigrations: option.flag(true), keep: readKeep },
    restoreIfMissing: option.flag(false),
    verify: readVerification,
    ...replicationReaders,
  },
  processes: {
    web: readWeb,
    jobs: option.integer(0, { min: 0, max: 256 }),
    maxRss: option.optional(option.size(0)),
    bootTimeout: option.duration(30_000),
    stopTimeout: option.duration(15_000),
    blockedAfter: option.duration(5_000),
    blockedTimeout: option.duration(30_000),
  },
  programs: listOf(readProgram),
  log: {
    level: option.oneOf<LogLevel>(['debug', 'info', 'warn', 'error'], 'info'),
    format: option.optional(option.oneOf<LogFormat>(['json', 'pretty'], 'json')),
  },
} satisfies SettingsTable

const asNumber = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text)
const asText = (text: string): unknown => text
const asSwitch = (text: string): unknown => ({ 1: true, true: true, 0: false, false: false })[text] ?? text
const asKeys = (text: string): unknown => ({ keys: text.split(/[\s,]+/).filter((key) => key !== '') })

/** The variables of the environment that set something, by their names. */
export const variables: Readonly<Record<string, { setting: string; convert: (text: string) => unknown }>> = {
  HANDCAR_DATA: { setting: 'data', convert: asText },
  HANDCAR_BRANCHES: { setting: 'database.branches', convert: asSwitch },
  HANDCAR_NEWER_SCHEMA: { setting: 'database.newerSchema', convert: asText },
  NODE_ENV: { setting: 'environment', convert: asText },
  HOST: { setting: 'server.host', convert: asText },
  PORT: { setting: 'server.port', convert: asNumber },
  HANDCAR_STATUS_TOKEN: { setting: 'server.statusToken', convert: asText },
  HANDCAR_LITESTREAM: { setting: 'backup.binary', convert: asText },
  HANDCAR_CACHE_KEYS: { setting: 'cache.encryption', convert: asKeys },
  WEB_CONCURRENCY: { setting: 'processes.web', convert: asNumber },
  JOBS_CONCURRENCY: { setting: 'processes.jobs', convert: asNumber },
  LOG_LEVEL: { setting: 'log.level', convert: asText },
  LOG_FORMAT: { setting: 'log.format', convert: asText },
}

/** Settings whose values are for nobody's eyes. */
export const secrets: readonly string[] = ['server.statusToken', 'cache.encryption']

function readWeb(value: unknown, name: string): number | 'auto' {
  if (value === undefined || value === 'auto') return 'auto'
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 256) return value as number
  throw option.invalidOption(name, 'a whole number from 1 to 256 or "auto"', value)
}

function readBranches(value: unknown, name: string): false | 'data' | 'schema' {
  if (value === undefined || value === false) return false
  if (value === true || value === 'data') return 'data'
  if (value === 'schema') return value
  throw option.invalidOption(name, 'true, false, "data" or "schema"', value)
}

function readStaticFiles(value: unknown, name: string): StaticFilesOptions {
  const { immutable, live, ...rest } = readOptions(name, value, {
    folder: option.text(),
    url: option.text('/'),
    immutable: option.optional(option.matching('a regular expression', isRegExp)),
    maxAge: option.duration(0),
    live: option.optional(option.flag(false)),
  })
  return { ...rest, ...(immutable && { immutable }), ...(live !== undefined && { live }) }
}

function readProgram(value: unknown, name: string): ProgramConfig {
  return readOptions(name, value, {
    name: option.text(),
    command: option.text(),
    args: listOf((each: unknown, at) =>
      option.matching('a string', (text): text is string => typeof text === 'string')(each, at),
    ),
    cwd: option.text('.'),
  })
}

function listOf<Value>(
  reader: OptionReader<Value>,
  defaultValue: readonly Value[] = [],
): OptionReader<readonly Value[]> {
  return (value, name) => {
    if (value === undefined) return defaultValue
    if (!Array.isArray(value)) throw option.invalidOption(name, 'a list', value)
    return value.map((each: unknown, index) => reader(each, `${name}[${index}]`))
  }
}

function isRegExp(value: unknown): value is RegExp {
  return value instanceof RegExp
}
