import {
  logger,
  option,
  readOptions,
  systemClock,
  type Clock,
  type Duration,
  type Logger,
  type OptionReader,
} from '../../core/index.ts'
import type { Extension } from '../../database/index.ts'
import type { InPlace } from '../restore/in-place.ts'
import { readLimits, type ResolvedLimits, type SnapshotLimits } from './retention.ts'

/** Options of {@link Snapshots}. */
export interface SnapshotsOptions {
  /** Path of the database. */
  path: string
  /** Where the snapshots are. Default: `snapshots` beside the database. */
  folder?: string
  /** Extensions that its tables and indexes need. Default: none. */
  extensions?: readonly Extension[]
  /**
   * Which of the snapshots are kept that were made before migrations and merges, each kind by itself; those that were made by hand
   * stay. Default: `{ count: 5, age: '30d' }`
   */
  keep?: SnapshotLimits
  /** How long to wait for another process that works on the snapshots. Default: `'10m'` */
  lockTimeout?: Duration
  /** What is done when a snapshot takes the place of the database. Default: nothing more. */
  inPlace?: InPlace
  /**
   * Tells until when the backup elsewhere was known to be right, in milliseconds since 1970, while it is known not to be any more. The
   * newest snapshot of that time then stays. Default: it is always right.
   */
  redSince?: () => Promise<number | undefined>
  /** Default: the machine's. */
  clock?: Clock
  /** Default: warnings and errors on standard error. */
  logger?: Logger
}

/** The settings of an app for its snapshots. */
export interface SnapshotSettings {
  /** Whether a snapshot is made before migrations run on a database that has been used. Default: true */
  beforeMigrations?: boolean
  /** Which of them are kept. Default: `{ count: 5, age: '30d' }` */
  keep?: SnapshotLimits
}

const defaultLimits: SnapshotLimits = { count: 5, age: '30d' }

/** Validates the options of {@link Snapshots} and fills in the defaults. */
export function resolveSnapshotsOptions(options: SnapshotsOptions) {
  return readOptions('Snapshots', options, {
    path: option.text(),
    folder: option.optional(option.text()),
    extensions: (value) => (value ?? []) as readonly Extension[],
    keep: readKeep,
    lockTimeout: option.duration(600_000),
    inPlace: (value) => value as InPlace | undefined,
    redSince: (value) => (value ?? (async () => undefined)) as () => Promise<number | undefined>,
    clock: (value) => (value ?? systemClock) as Clock,
    logger,
  })
}

/** Reads the setting `keep` of an app's snapshots. */
export const readKeep: OptionReader<ResolvedLimits> = (value, name) =>
  readLimits(value ?? defaultLimits, name)
