import { option, readOptions } from '../../core/index.ts'
import { readLimits, type ResolvedLimits, type SnapshotLimits } from './retention.ts'
import type { SnapshotReason } from './snapshot.ts'

/** Options of {@link Snapshots.create}. */
export interface CreateSnapshotOptions {
  /** Default: the time and the reason. */
  name?: string
  /** Default: `'manual'` */
  reason?: Exclude<SnapshotReason, 'unknown'>
  /** A remark that is kept with it. A migration's or merge's snapshot takes the place of the last one that has the same. */
  note?: string
  /** Ends it at once; nothing is left. */
  signal?: AbortSignal
}

/** Options of {@link Snapshots.restore}. */
export interface RestoreSnapshotOptions {
  /** Path of a new file. Default: the database itself, whose files are set aside. */
  to?: string
}

/** Options of {@link Snapshots.prune}. */
export interface PruneOptions extends SnapshotLimits {
  /** Whether those count that were made by hand as well. Default: false */
  all?: boolean
  /** Only tells which would be deleted. Default: false */
  dryRun?: boolean
}

/** Validates {@link CreateSnapshotOptions}. */
export function readCreateOptions(options: CreateSnapshotOptions) {
  return readOptions('snapshots.create', options, {
    name: option.optional(option.text()),
    reason: option.oneOf(['manual', 'migration', 'merge'], 'manual'),
    note: option.optional(option.text()),
    signal: option.signal,
  })
}

/** Validates {@link PruneOptions}; without any limit `limits` is `undefined`. */
export function readPruneOptions(options: PruneOptions): {
  all: boolean
  dryRun: boolean
  limits?: ResolvedLimits
} {
  const { all, dryRun, ...rest } = readOptions('snapshots.prune', options, {
    all: option.flag(false),
    dryRun: option.flag(false),
    count: (value) => value,
    age: (value) => value,
    bytes: (value) => value,
  })
  const isUnlimited = Object.values(rest).every((value) => value === undefined)
  return { all, dryRun, ...(!isUnlimited && { limits: readLimits(rest, 'snapshots.prune') }) }
}
