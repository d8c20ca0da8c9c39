import { option, type Duration, type OptionReader, type Size } from '../core/index.ts'
import { readReplicas, type Replica, type ResolvedReplica } from './litestream/replica.ts'

/** The settings of an app for the continuous copy of its databases to other places, made by Litestream. */
export interface ReplicationSettings {
  /** Where the changes go; none: there is no replication. With Litestream 0.5 one, with 0.3 several. Default: none. */
  replicas?: readonly Replica[]
  /**
   * Path of the Litestream to run (HANDCAR_LITESTREAM). Default: what `handcar backup install` has installed, or else the one on
   * PATH, or else that of the npm package `@flydotio/litestream`.
   */
  binary?: string
  /** Writers pause while the WAL holds more than this, until it was copied and moved into the database. Default: `'64mb'` */
  walLimit?: Size
  /** How often changes are sent. Default: `'1s'` */
  syncInterval?: Duration
  /** For how long every moment can be restored. Default: `'72h'` */
  retention?: Duration
  /** How often a whole copy is sent; at most a quarter of `retention`. Default: a twelfth of `retention` */
  snapshotInterval?: Duration
  /** How often Litestream compares a replica with the database. Default: `'12h'` */
  validationInterval?: Duration
  /** A replica that is behind by more than this is an alarm. Default: `'15s'` */
  lagAlarm?: Duration
}

/** The settings of replication, complete; durations in milliseconds, sizes in bytes. */
export interface ResolvedReplication {
  readonly replicas: readonly ResolvedReplica[]
  readonly binary: string | undefined
  readonly walLimit: number
  readonly syncInterval: number
  readonly retention: number
  readonly snapshotInterval: number | undefined
  readonly validationInterval: number
  readonly lagAlarm: number
}

/** Readers of the settings of replication, by their names. */
export const replicationReaders = {
  replicas: readReplicas,
  binary: option.optional(option.text()),
  walLimit: atLeast(option.size(64 * 1_024 ** 2), 1_024 ** 2, 'a size of 1 MB or more'),
  syncInterval: atLeast(option.duration(1_000), 100, 'a duration of 100 ms or more'),
  retention: atLeast(option.duration(72 * 3_600_000), 4_000, 'a duration of 4 s or more'),
  snapshotInterval: option.optional(atLeast(option.duration(0), 1_000, 'a duration of 1 s or more')),
  validationInterval: atLeast(option.duration(12 * 3_600_000), 1_000, 'a duration of 1 s or more'),
  lagAlarm: atLeast(option.duration(15_000), 2_000, 'a duration of 2 s or more'),
} satisfies { [Name in keyof Required<ReplicationSettings>]: OptionReader<unknown> }

/**
 * How often a whole copy is sent. Litestream forgets what is older than the retention together with the snapshot that it begins with,
 * so with few snapshots the moments that can be restored collapse to almost none each time that one goes.
 *
 * @throws OptionsError when it is not at most a quarter of the retention
 */
export function snapshotIntervalOf(
  { snapshotInterval, retention }: Pick<ResolvedReplication, 'snapshotInterval' | 'retention'>,
  source: string,
): number {
  if (snapshotInterval === undefined) return Math.max(1_000, Math.round(retention / 12))
  if (snapshotInterval <= retention / 4) return snapshotInterval
  const name = `${source} option "snapshotInterval"`
  throw option.invalidOption(name, `at most a quarter of retention (${retention / 4} ms)`, snapshotInterval)
}

function atLeast(reader: OptionReader<number>, least: number, expected: string): OptionReader<number> {
  return (value, name) => {
    const read = reader(value, name)
    if (value !== undefined && read < least) throw option.invalidOption(name, expected, value)
    return read
  }
}
