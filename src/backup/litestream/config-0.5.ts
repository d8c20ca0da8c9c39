import { OptionsError } from '../../core/index.ts'
import type { ReplicationPlan } from './config.ts'
import { goDuration, logging, placeOf } from './config-values.ts'
import type { ResolvedReplica } from './replica.ts'

/**
 * The configuration for Litestream 0.5 (https://litestream.io/reference/config/; read in the source of 0.5.16). Snapshots and retention
 * are global: at a replica they would be ignored without a word. One replica for each database.
 *
 * Each time that it reads the WAL it makes a file, and each file is a request to the bucket. So it reads as often as changes are to be
 * sent (`monitor-interval`), and the replica looks for new files more often (`sync-interval`), or both waits would add up. Where that is
 * too seldom for a WAL that grows fast it is told to hurry ({@link Ear05.hurry}).
 *
 * `truncate-page-n: 0` because a TRUNCATE checkpoint waits for readers with the write lock in its hand; it is not needed where writers
 * wait while the WAL is large.
 *
 * @throws OptionsError when there are several replicas
 */
export function config05(plan: ReplicationPlan): object {
  const [replica, ...others] = plan.replicas
  if (others.length > 0) throw severalReplicas(plan.replicas)
  return {
    ...(plan.ear && { socket: { enabled: true, path: plan.ear.socket, permissions: 0o600 } }),
    logging,
    snapshot: { interval: goDuration(plan.snapshotInterval), retention: goDuration(plan.retention) },
    ...(plan.validationInterval !== undefined && {
      validation: { interval: goDuration(plan.validationInterval) },
    }),
    'shutdown-sync-timeout': '8s',
    dbs: plan.databases.map((database) => ({
      path: database.path,
      'monitor-interval': goDuration(plan.syncInterval),
      'checkpoint-interval': '1m',
      'min-checkpoint-page-count': 1_000,
      'truncate-page-n': 0,
      ...(replica && {
        replica: {
          ...placeOf(replica, database),
          'sync-interval': goDuration(Math.min(plan.syncInterval, 250)),
        },
      }),
    })),
  }
}

function severalReplicas(replicas: readonly ResolvedReplica[]): OptionsError {
  const names = replicas.map(({ name }) => `"${name}"`).join(', ')
  return new OptionsError(
    'HANDCAR_LITESTREAM_OPTION',
    `Litestream 0.5 sends a database to one replica, and there are ${replicas.length}: ${names}`,
    {
      fix: 'Keep one of them and let the bucket be copied by its provider; or set backup.binary to a Litestream 0.3.13.',
    },
  )
}
