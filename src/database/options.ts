import { isAbsolute } from 'node:path'
import { logger, option, readOptions, type Duration, type Logger } from '../core/index.ts'
import type { Migration } from './migration.ts'
import type { Pragmas } from './pragmas.ts'
import type { Durability } from './write-queue.ts'

/** An SQLite extension: a file, or an npm package that exports `getLoadablePath()` (such as `sqlite-vec`). */
export type Extension =
  | string
  | { path: string; optional?: boolean }
  | { package: string; optional?: boolean }

/** Options of {@link Database}. */
export interface DatabaseOptions {
  /**
   * Path of the file; it is created when it does not exist. `':memory:'` makes a database of the process's own in the
   * machine's memory (a real file on a memory file system, so that everything works as on disk), gone after `stop()`.
   */
  path: string
  /** Folder of the app's migrations (`<timestamp>_<name>.sql`). Default: none are run. */
  migrations?: string
  /**
   * What to do when the database has migrations that the folder does not, because newer code has migrated it. `'accept'` lets
   * older code run again, which is right when the newer migrations only added things. Default: `'refuse'`.
   */
  newerSchema?: 'refuse' | 'accept'
  /** Migrations of handcar's parts, by part. */
  partMigrations?: Readonly<Record<string, readonly Migration[]>>
  /**
   * Refuse every write, run no migration and create nothing; for looking at a database that others write. Default: `false`.
   */
  readOnly?: boolean
  /** What a resolved write survives: a power cut (`disk`) or the end of the process (`os`). Default: `'disk'`. */
  durability?: Durability
  /** How long a write may wait for the write lock before it fails with `BusyError`. Default: `'5s'`. */
  writeTimeout?: Duration
  /** How many writes may wait at once. Default: 100,000. */
  maxQueuedWrites?: number
  /** How many bodies commit together at most. Default: 512. */
  batchSize?: number
  /** After how long a batch takes on no further body. Default: `'8ms'`. */
  batchDuration?: Duration
  /** Pragmas to set on top of handcar's own, such as `cache_size`. Each is verified. */
  pragmas?: Pragmas
  /** Extensions that every connection loads. Default: none. */
  extensions?: readonly Extension[]
  /** How many prepared statements each connection keeps. Default: 500. */
  cachedStatements?: number
  /** Statements that run longer are logged. Default: `'100ms'`. */
  slowQuery?: Duration
  /** Reader processes for slow queries; `false` for none. */
  readers?: ReaderOptions | false
  /** The thread that checkpoints; `false` when another process does it. It rests by itself while a `Coordinator` runs. */
  checkpointer?: CheckpointerOptions | false
  /**
   * Which commits wake the listeners of `onCommit`, here and in other processes: all, or only those that name a topic with `tx.touch`.
   * Waking costs a small write some 2 µs and a call on the thread pool. Default: `'all'`.
   */
  wakeOn?: 'all' | 'topics'
  /** How often commits of programs that are not handcar are looked for, while anybody listens. Default: `'250ms'`. */
  strangerInterval?: Duration
  /** Warn about file systems that do not survive a restart (overlayfs, tmpfs). Default: `false`. */
  production?: boolean
  /** Default: warnings and errors on standard error. */
  logger?: Logger
  /** How long `stop()` waits for queued writes. Default: `'10s'`. */
  stopTimeout?: Duration
}

/** Options of the reader processes. */
export interface ReaderOptions {
  /** How many queries can run at once; further ones wait. Default: 2. */
  processes?: number
  /** Time limit of a query that names none. Default: `'30s'`. */
  timeout?: Duration
  /** A process that was not used for so long is ended. Default: `'60s'`. */
  idleTimeout?: Duration
}

/** Options of the checkpointer. */
export interface CheckpointerOptions {
  /** How often it looks while there is something to do. Default: `'20ms'`. */
  interval?: Duration
  /** It moves frames into the database when more than this many wait. Default: 500. */
  passiveFrames?: number
  /** It makes writers start at the beginning of the WAL when it holds more than this many frames. Default: 4,000. */
  restartFrames?: number
  /** After how long a WAL that readers keep from being reused is reported. Default: `'5s'`. */
  pinnedAfter?: Duration
  /** How often `PRAGMA optimize` refreshes the statistics of the query planner. Default: `'1h'`. */
  optimizeInterval?: Duration
}

/** The largest WAL that is still a WAL and not a leak: what a journal may keep on disk after a reset. */
const largest = Number.MAX_SAFE_INTEGER

/** Validates the options of {@link Database} and fills in the defaults. */
export function resolveOptions(options: DatabaseOptions) {
  return readOptions('Database', options, {
    path: option.text(),
    migrations: option.optional(option.text()),
    newerSchema: option.oneOf(['refuse', 'accept'], 'refuse'),
    partMigrations: option.matching<Readonly<Record<string, readonly Migration[]>> | undefined>(
      'lists of migrations by part',
      isRecordOrAbsent,
    ),
    readOnly: option.flag(false),
    durability: option.oneOf<Durability>(['disk', 'os'], 'disk'),
    writeTimeout: option.duration(5_000),
    maxQueuedWrites: option.integer(100_000, { min: 1, max: largest }),
    batchSize: option.integer(512, { min: 1, max: 100_000 }),
    batchDuration: option.duration(8),
    pragmas: option.matching<Pragmas | undefined>('an object of pragmas', isRecordOrAbsent),
    extensions: readExtensions,
    cachedStatements: option.integer(500, { min: 1, max: 100_000 }),
    slowQuery: option.duration(100),
    readers: readReaders,
    checkpointer: readCheckpointer,
    wakeOn: option.oneOf<'all' | 'topics'>(['all', 'topics'], 'all'),
    strangerInterval: option.duration(250),
    production: option.flag(false),
    logger,
    stopTimeout: option.duration(10_000),
  })
}

/** The options of {@link Database}, complete. */
export type ResolvedOptions = ReturnType<typeof resolveOptions>
/** The options of the reader processes, complete. */
export type ResolvedReaderOptions = Exclude<ReturnType<typeof readReaders>, false>
/** The options of the checkpointer, complete. */
export type ResolvedCheckpointerOptions = Exclude<ReturnType<typeof readCheckpointer>, false>

function readReaders(value: unknown, name: string) {
  if (value === false) return false
  return readOptions(name, value, {
    processes: option.integer(2, { min: 1, max: 64 }),
    timeout: option.duration(30_000),
    idleTimeout: option.duration(60_000),
  })
}

/** Validates {@link CheckpointerOptions}; `false` switches it off. */
export function readCheckpointer(value: unknown, name: string) {
  if (value === false) return false
  return readOptions(name, value, {
    interval: option.duration(20),
    passiveFrames: option.integer(500, { min: 1, max: largest }),
    restartFrames: option.integer(4_000, { min: 1, max: largest }),
    pinnedAfter: option.duration(5_000),
    optimizeInterval: option.duration(3_600_000),
  })
}

function readExtensions(value: unknown, name: string): Extension[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw option.invalidOption(name, 'a list of extensions', value)
  return value.map((each: unknown, index) => readExtension(each, `${name}[${index}]`))
}

function readExtension(value: unknown, name: string): Extension {
  if (typeof value === 'string' && value !== '')
    return isAbsolute(value) || value.startsWith('.') ? { path: value } : { package: value }
  const {
    path,
    package: packageName,
    optional,
  } = readOptions(name, value, {
    path: option.optional(option.text()),
    package: option.optional(option.text()),
    optional: option.flag(false),
  })
  if (path !== undefined) return { path, optional }
  if (packageName !== undefined) return { package: packageName, optional }
  throw option.invalidOption(name, 'a path, or an object with path or package', value)
}

function isRecordOrAbsent(value: unknown): value is never {
  return value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))
}
