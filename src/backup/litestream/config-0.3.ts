import { OptionsError } from '../../core/index.ts'
import type { ReplicationPlan } from './config.ts'
import { goDuration, logging, monitorInterval, placeOf } from './config-values.ts'
import type { ResolvedReplica } from './replica.ts'

/**
 * The configuration for Litestream 0.3 (https://litestream.io/reference/config/, 0.3.13): everything stands at the replica.
 *
 * `max-checkpoint-page-count: 0` because its RESTART checkpoint takes the write lock and then waits for readers, once a second; it is
 * not needed where writers wait while the WAL is large.
 *
 * @throws OptionsError when a replica has a host key, which 0.3 never looks at
 */
export function config03(plan: ReplicationPlan): object {
  for (const replica of plan.replicas) refuseHostKey(replica)
  return {
    ...(plan.ear && { addr: `127.0.0.1:${plan.ear.port}` }),
    logging,
    dbs: plan.databases.map((database) => ({
      path: database.path,
      'monitor-interval': goDuration(monitorInterval),
      'checkpoint-interval': '1m',
      'min-checkpoint-page-count': 1_000,
      'max-checkpoint-page-count': 0,
      replicas: plan.replicas.map((replica) => ({
        name: replica.name,
        ...placeOf(replica, database),
        'sync-interval': goDuration(plan.syncInterval),
        'snapshot-interval': goDuration(plan.snapshotInterval),
        retention: goDuration(plan.retention),
        'retention-check-interval': goDuration(Math.min(3_600_000, plan.retention / 4)),
        ...(plan.validationInterval !== undefined && {
          'validation-interval': goDuration(plan.validationInterval),
        }),
      })),
    })),
  }
}

function refuseHostKey(replica: ResolvedReplica): void {
  if (replica.type !== 'sftp' || replica.hostKey === undefined) return
  throw new OptionsError(
    'HANDCAR_LITESTREAM_OPTION',
    `Replica "${replica.name}" has a host key, which Litestream 0.3 does not check`,
    { fix: 'Run `handcar backup install` for Litestream 0.5, which does; or leave the host key out.' },
  )
}
