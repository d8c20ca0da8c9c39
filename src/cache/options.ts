import { resolve } from 'node:path'
import {
  clock,
  logger,
  option,
  parseDuration,
  readOptions,
  type Clock,
  type Duration,
  type Logger,
  type Size,
} from '../core/index.ts'
import { Database } from '../database/index.ts'
import { readSecret, Seal } from './entries/seal.ts'

/** The layer of a cache that lies in the memory of the process. */
export interface MemoryOptions {
  /** How much it holds, as the file has it. Default: `'16mb'`. */
  maxBytes?: Size
  /** The largest value that it takes. Default: `'16kb'`. */
  maxValue?: Size
}

/** Options of {@link Cache}. */
export interface CacheOptions {
  /** The cache's own file: `new Database(Cache.databaseOptions('data/cache.sqlite3'))`. The cache starts and stops it where nobody else does. */
  database: Database
  /**
   * Whether `start()` fails when the file can neither be opened nor begun anew. `false`: the cache starts without, every read is a miss,
   * and it is tried again each second. Default: `true`.
   */
  required?: boolean
  /**
   * The app's file, where the versions of the tags are kept, so that an invalidation is part of the transaction that causes it. It must
   * have the table: `partMigrations: { cache: Cache.appMigrations }`. Default: they are kept in the cache's own file.
   */
  app?: Database
  /** How many bytes of the file may be used. Default: `'256mb'`. */
  maxBytes?: Size
  /** How many entries there may be; all processes say the same. Default: as many as fit. */
  maxEntries?: number
  /** The largest value; one that is larger is refused. Default: `'8mb'`. */
  maxValue?: Size
  /** How long entries are kept for which nothing is said; `null`: until they are evicted. Default: `null`. */
  ttl?: Duration | null
  /** The layer in memory; `false` for none. */
  memory?: MemoryOptions | false
  /** Compresses values that are larger than this, with zstd. Default: `false`. */
  compression?: { above?: Size } | false
  /**
   * Encrypts values with AES-256-GCM. The first key encrypts, all of them decrypt; each is 32 bytes, or their text in hexadecimal or
   * base64. Keys of entries and tags are not encrypted. Default: `false`.
   */
  encryption?: { keys: readonly (string | Uint8Array)[] } | false
  /** Default: the machine's. */
  clock?: Clock
  /** Default: warnings and errors on standard error. */
  logger?: Logger
  /** How long `stop()` waits for writes. Default: `'5s'`. */
  stopTimeout?: Duration
}

const kilobyte = 1_024
const megabyte = 1_024 ** 2
/** Below this a database of SQLite has hardly room for its own tables. */
const smallestBound = 256 * kilobyte

const isDatabase = (value: unknown): value is Database => value instanceof Database

const wiring = {
  database: option.matching('a Database', isDatabase),
  required: option.flag(true),
  app: option.optional(option.matching('a Database', isDatabase)),
  clock,
  logger,
  stopTimeout: option.duration(5_000),
}

const keeping = {
  maxBytes: option.size(256 * megabyte),
  maxEntries: option.optional(option.integer(1, { min: 1, max: Number.MAX_SAFE_INTEGER })),
  maxValue: option.size(8 * megabyte),
  ttl: readTtl,
  memory: readMemory,
  compression: readCompression,
  encryption: readEncryption,
}

/** What a cache keeps, and how: its options without what it is connected to. */
export type CacheSettings = Pick<CacheOptions, keyof typeof keeping>

/** Validates the options of {@link Cache} and fills in the defaults. */
export function resolveOptions(options: CacheOptions) {
  const resolved = readOptions('Cache', options, { ...wiring, ...keeping })
  const { database, app } = resolved
  // It may be emptied, begun anew and removed.
  if (app !== undefined && database.path !== ':memory:' && resolve(app.path) === resolve(database.path))
    throw option.invalidOption('Cache option "database"', "another file than the app's", database.path)
  return withBounds(resolved, options)
}

/** Validates the options of a cache that is not connected yet; `owner` is what they belong to. */
export function resolveSettings(options: CacheSettings, owner: string) {
  return withBounds(readOptions(owner, options, keeping), options)
}

function withBounds<Resolved extends { maxBytes: number; maxValue: number }>(
  resolved: Resolved,
  options: CacheSettings,
): Resolved {
  const { maxBytes, maxValue } = resolved
  if (maxBytes < smallestBound)
    throw option.invalidOption('Cache option "maxBytes"', 'at least 256kb', options.maxBytes)
  // One value takes a quarter of the cache at most, or nothing else would have room beside it.
  return { ...resolved, maxValue: Math.min(maxValue, Math.floor(maxBytes / 4)) }
}

/** The options of {@link Cache}, complete. */
export type ResolvedOptions = ReturnType<typeof resolveOptions>

/** What is longer, in milliseconds, is a mistake: 30,000 years. */
const longest = 1e15

/** Reads a time to live: whole milliseconds; `null` for no end. */
export function readTtl(value: unknown, name: string): number | null {
  return value === undefined || value === null ? null : readSpan(value, name, ', or null')
}

/** Reads a time to live that may be left to somebody else. */
export const optionalTtl = option.optional(readTtl)

/** Reads a span of time: whole milliseconds. */
export function readSpan(value: unknown, name: string, orElse = ''): number {
  const span = parseDuration(value)
  if (span !== undefined && span < longest) return Math.round(span)
  throw option.invalidOption(name, `a duration such as 500 (milliseconds), '30s', '5m'${orElse}`, value)
}

function readMemory(value: unknown, name: string) {
  if (value === false) return undefined
  return readOptions(name, value, {
    maxBytes: option.size(16 * megabyte),
    maxValue: option.size(16 * kilobyte),
  })
}

function readCompression(value: unknown, name: string): number | undefined {
  if (value === undefined || value === false) return undefined
  return readOptions(name, value, { above: option.size(kilobyte) }).above
}

function readEncryption(value: unknown, name: string): Seal | undefined {
  if (value === undefined || value === false) return undefined
  const { keys } = readOptions(name, value, {
    keys: (given: unknown, keysName: string) => {
      if (!Array.isArray(given) || given.length === 0)
        throw option.invalidOption(keysName, 'a list of keys, the one that encrypts first', given)
      return given.map((key: unknown, index) => readSecret(key, `${keysName}[${index}]`))
    },
  })
  return new Seal(keys)
}
