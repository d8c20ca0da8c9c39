import { basename, extname } from 'node:path'
import {
  BackupFolder,
  findLitestream,
  Litestream,
  Ownership,
  planLitestream,
  type LitestreamBinary,
  type LitestreamOptions,
  type ReplicatedDatabase,
  type ReplicationProblem,
  type ReplicationStatus,
} from '../backup/index.ts'
import { standardLogger, type HandcarError, type Logger } from '../core/index.ts'
import type { HealthCheck, HealthResult } from '../server/index.ts'
import type { Companion, TreeStatus } from '../supervisor/index.ts'
import { currentEnvironment } from './config.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** How often it is looked whether another machine has taken the replicas over, in milliseconds. */
const ownershipInterval = 60_000

/** Bytes of a frame of the WAL, with the usual size of a page. */
const frameSize = 4_096 + 24

/** How long letting go of the replicas may take, in milliseconds: a stop waits for it. */
const releaseTimeout = 5_000

/** What the replication is called among the companions of the supervisor. */
const companionName = 'backup'

/** The databases of an app that are replicated: never the cache, which can be made anew. */
export function replicatedDatabases({ database }: Pick<ResolvedConfig, 'database'>): ReplicatedDatabase[] {
  const { path } = database
  return [{ name: basename(path, extname(path)), path }]
}

/**
 * Whether an app replicates its databases: with replicas, and only in production. Elsewhere the same configuration would write into the
 * backup of the production.
 */
export function replicates({ backup, environment, branch }: ResolvedConfig): boolean {
  return backup.replicas.length > 0 && environment === 'production' && branch === undefined
}

function litestreamOptions(config: ResolvedConfig, logger: Logger): LitestreamOptions {
  return {
    folder: backupFolderOf(config),
    app: config.folder,
    databases: replicatedDatabases(config),
    replication: config.backup,
    environment: currentEnvironment(),
    logger,
  }
}

/** The replication of an app's databases, for its supervisor. The coordinators of the databases give way to it. */
export function replicationOf(config: ResolvedConfig, logger: Logger): Companion {
  const databases = replicatedDatabases(config)
  const { walLimit } = config.backup
  const ownership = ownershipOf(config, logger)
  let litestream: Litestream | undefined
  let watching: NodeJS.Timeout | undefined
  const killed = new AbortController()
  return {
    name: companionName,
    async start({ coordinator, watch, forget }) {
      const all = databases.map(({ path }) => coordinator(path)).filter((each) => each !== undefined)
      const awaited = async (): Promise<void> =>
        void (await Promise.all(all.map((each) => each.awaitReplicator({ walLimit }))))
      litestream = new Litestream({
        ...litestreamOptions(config, logger),
        host: {
          begins: async () => void (await Promise.all(all.map((each) => each.giveWay({ walLimit })))),
          claims: (signal) => ownership.claim({ signal }),
          pauses: awaited,
          // With the coordinators. Until the next ones come nobody checkpoints, so that the next Litestream finds the WAL as it was.
          ends: awaited,
          walSize: () =>
            Math.max(0, ...all.map((each) => (each.stats().checkpointer?.frames ?? 0) * frameSize)),
          watch,
          forget,
        },
      })
      for (const { path } of databases) coordinator(path)?.onLargeWal(() => litestream?.hurry(path))
      await litestream.start()
      watching = setInterval(() => void interruptIfLost(litestream!, ownership), ownershipInterval).unref()
    },
    async stop(timeout, { isHandedOver }) {
      clearInterval(watching)
      await litestream?.stop({ timeout })
      if (!isHandedOver && litestream) await letGo(litestream, { ownership, logger, signal: killed.signal })
    },
    kill: () => {
      killed.abort()
      litestream?.kill()
    },
    status: () => litestream?.status() ?? {},
  }
}

/** Whoever comes next may write to the replicas: from what they hold, if it is another machine. So not when that may not be everything. */
async function letGo(
  litestream: Litestream,
  { ownership, logger, signal }: { ownership: Ownership; logger: Logger; signal: AbortSignal },
): Promise<void> {
  if (!litestream.hasSentAll)
    return logger.warn({}, 'The replicas still belong to this machine: they may lack what was written last')
  try {
    await ownership.release({ signal: AbortSignal.any([signal, AbortSignal.timeout(releaseTimeout)]) })
  } catch (error) {
    logger.warn({ error: String(error) }, 'The replicas still belong to this machine: it could not let go')
  }
}

/** Who may write to the replicas of an app. */
export function ownershipOf(config: ResolvedConfig, logger: Logger): Ownership {
  const { replicas } = config.backup
  return new Ownership({
    folder: backupFolderOf(config),
    replicas,
    environment: currentEnvironment(),
    logger,
  })
}

/** Somebody has said on another machine that this one is gone for good. Litestream is refused when it is started again. */
async function interruptIfLost(litestream: Litestream, ownership: Ownership): Promise<void> {
  try {
    await ownership.check()
  } catch (error) {
    if ((error as HandcarError).code === 'HANDCAR_REPLICA_OWNED') litestream.interrupt()
  }
}

/** The folder of an app's backup. */
export function backupFolderOf({ data }: Pick<ResolvedConfig, 'data'>): BackupFolder {
  return new BackupFolder(data)
}

/** The Litestream of an app. Throws as `findLitestream` does. */
export function litestreamOf(config: ResolvedConfig): Promise<LitestreamBinary> {
  return findLitestream({
    binary: config.backup.binary,
    installed: backupFolderOf(config).binary,
    app: config.folder,
    searchPath: currentEnvironment()['PATH'],
  })
}

/** How the replication of an app that does not run would be: where it goes, with which Litestream, and what would keep it from running. */
export async function plannedReplication(config: ResolvedConfig): Promise<ReplicationStatus> {
  return await planLitestream(litestreamOptions(config, standardLogger))
}

/** How the replication of a running app is; `undefined` when it has none, or runs with a supervisor that knows nothing of it. */
export function replicationIn(tree: TreeStatus): ReplicationStatus | undefined {
  // The supervisor may be older than this code.
  const companions = tree.companions as TreeStatus['companions'] | undefined
  const status = companions?.[companionName] as ReplicationStatus | undefined
  return status?.state === undefined ? undefined : status
}

/** Whether the databases are replicated. */
export function replicationCheck(tree: () => Promise<TreeStatus>): HealthCheck {
  return { name: companionName, check: async () => judgeReplicationStatus(replicationIn(await tree())) }
}

/** An app serves without its backup; people have to look at it. */
function judgeReplicationStatus(status: ReplicationStatus | undefined): HealthResult {
  if (status === undefined)
    return { status: 'warning', message: 'The backup begins when the app is stopped and started' }
  const { state, problem, databases } = status
  const lags = databases.flatMap(({ replicas }) => replicas.map(({ lag }) => lag))
  const details = { state, lag: lags.includes(undefined) ? null : Math.max(0, ...lags.map(Number)) }
  if (problem === undefined) return { status: 'ok', details }
  return {
    status: 'warning',
    message: (problem satisfies ReplicationProblem).message,
    details: { ...details, kind: problem.kind },
  }
}
