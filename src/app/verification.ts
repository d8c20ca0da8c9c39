import {
  judgeVerifications,
  lastVerifications,
  readReplicaContents,
  verifyBackup,
  type ReplicatedDatabase,
  type ReplicaContents,
  type Verification,
  type VerifiedReplica,
} from '../backup/index.ts'
import { BusyError, OptionsError, standardLogger } from '../core/index.ts'
import type { Database } from '../database/index.ts'
import {
  defineJob,
  defineRecurring,
  type AnyJobDefinition,
  type Jobs,
  type RecurringDefinition,
} from '../jobs/index.ts'
import type { HealthCheck } from '../server/index.ts'
import { currentEnvironment } from './config.ts'
import { openToRead } from './open-to-read.ts'
import { backupFolderOf, litestreamOf, replicatedDatabases, replicates } from './replication.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** What the job of the verification is called, and what makes it recur. No job of an app may be called so. */
const verificationJob = 'handcar.backup.verify'

/** The first verification comes so long after the app has begun to work, in milliseconds: Litestream has sent something by then. */
const firstDelay = 60_000
/** Verifications of many apps that begin at the same time would meet at their bucket. */
const longestJitter = 30 * 60_000
/** How long a replica may take to list what it has, in milliseconds. */
const listingTime = 15_000

/** What of a backup is verified, and how. */
export interface VerifyOptions {
  /** The app's database, open. */
  database: Database
  progress?: (message: string) => void
  signal?: AbortSignal
}

/** Restores the databases of an app from each replica, and compares them. Throws as `verifyBackup` and `findLitestream` do. */
export async function verifyDatabases(
  config: ResolvedConfig,
  { database, ...options }: VerifyOptions,
): Promise<Verification[]> {
  const { backup } = config
  const [{ name }] = replicatedDatabases(config) as [ReplicatedDatabase]
  return await verifyBackup({
    ...options,
    database,
    name,
    replicas: backup.replicas,
    binary: await litestreamOf(config),
    environment: currentEnvironment(),
    folder: backupFolderOf(config),
    ...(config.database.extensions && { extensions: config.database.extensions }),
    ...(backup.verify && { timeout: backup.verify.timeout }),
  })
}

/** The recurring job that verifies the backup; none where there is no backup, or the setting `backup.verify` is `false`. */
export function verificationJobs(config: ResolvedConfig): RecurringDefinition[] {
  const { verify } = config.backup
  if (verify === undefined || !replicates(config)) return []
  const job = defineJob({
    name: verificationJob,
    queue: queueOf(config),
    // What people wait for comes first.
    priority: 1_000,
    maxAttempts: 1,
    unique: () => verificationJob,
    async perform(_payload: undefined, { database, signal, logger }) {
      try {
        const results = await verifyDatabases(config, { database, signal })
        for (const { address, verdict, reason, duration } of results) {
          const line = { address, verdict, reason, duration }
          if (verdict === 'verified') logger.info(line, 'the backup is verified')
          else
            logger.warn(
              line,
              verdict === 'failed' ? 'the backup is wrong' : 'the backup could not be verified',
            )
        }
        return results
      } catch (error) {
        if (!(error instanceof BusyError) || error.code !== 'HANDCAR_VERIFICATION_BUSY') throw error
        return 'another process verifies it'
      }
    },
  })
  const jitter = Math.min(longestJitter, Math.round(verify.every / 24))
  return [defineRecurring({ name: verificationJob, job, every: verify.every, jitter })]
}

/** Enqueues a first verification where there has been none: nobody should have to wait for a day to know that a new backup works. */
export async function verifySoon(
  { backup }: Pick<ResolvedConfig, 'backup'>,
  jobs: Jobs,
  database: Database,
): Promise<void> {
  const job = jobs.definitions.get(verificationJob)
  if (job === undefined || backup.verify === undefined || lastVerifications(database).length > 0) return
  await jobs.enqueue(job, undefined, { at: Date.now() + Math.min(firstDelay, backup.verify.every) })
}

/** @throws OptionsError `HANDCAR_OPTION_INVALID` for a job of the app that is called as ours is */
export function assertNotReserved(definitions: readonly (AnyJobDefinition | RecurringDefinition)[]): void {
  if (definitions.some(({ name }) => name === verificationJob))
    throw new OptionsError(
      'HANDCAR_OPTION_INVALID',
      `Expected a job with a name of its own, got "${verificationJob}", which is that of the verification of the backup`,
      { fix: 'Give the job another name.' },
    )
}

/** What is known of each replica of the configuration. */
function verificationsOf(
  { backup }: Pick<ResolvedConfig, 'backup'>,
  database: Pick<Database, 'get' | 'all'>,
): VerifiedReplica[] {
  const names = new Set(backup.replicas.map(({ name }) => name))
  return lastVerifications(database).filter(({ replica }) => names.has(replica))
}

/** What is known of the backup of an app whose database this process has not open. */
export async function readVerifications(
  config: ResolvedConfig,
): Promise<{ found: VerifiedReplica[]; problem: string | undefined }> {
  await using database = await openToRead(config, standardLogger)
  if (database === undefined) return { found: [], problem: undefined }
  return { found: verificationsOf(config, database), problem: verificationProblem(config, database) }
}

/** What is to be worried about in the verifications of an app's backup, if anything. */
function verificationProblem(
  config: ResolvedConfig,
  database: Pick<Database, 'get' | 'all'>,
): string | undefined {
  const { verify } = config.backup
  if (verify === undefined || !replicates(config)) return undefined
  return judgeVerifications(verificationsOf(config, database), { every: verify.every, now: Date.now() })
}

/** How long what was read of the verifications is told without another look, in milliseconds. */
const watchInterval = 10_000

/** Makes what tells, at each heartbeat of a process, what is to be worried about. */
export function watchVerification({
  config,
  database,
}: {
  config: ResolvedConfig
  database: Database
}): () => { verification?: string } {
  let lookedAt = -Infinity
  let problem: string | undefined
  return () => {
    if (performance.now() - lookedAt >= watchInterval) {
      lookedAt = performance.now()
      problem = verificationProblem(config, database)
    }
    return problem === undefined ? {} : { verification: problem }
  }
}

/** Whether the backup has been verified. An app serves without. */
export function verificationCheck(config: ResolvedConfig, database: Database): HealthCheck {
  return {
    name: 'backup-verification',
    check() {
      const message = verificationProblem(config, database)
      const times = verificationsOf(config, database).map(({ lastVerified }) => lastVerified?.beganAt ?? 0)
      const oldest = times.length === 0 ? 0 : Math.min(...times)
      const details = { verifiedAt: oldest === 0 ? null : oldest }
      return message === undefined ? { status: 'ok', details } : { status: 'warning', message, details }
    },
  }
}

/** Asks each replica of an app what it has, all at once; by their names. */
export async function contentsOfReplicas(config: ResolvedConfig): Promise<Record<string, ReplicaContents>> {
  const [database] = replicatedDatabases(config)
  const binary = await litestreamOf(config).catch((error: unknown) => error as Error)
  const contents = config.backup.replicas.map(async (replica): Promise<[string, ReplicaContents]> => {
    if (binary instanceof Error) return [replica.name, { error: binary.message }]
    const environment = currentEnvironment()
    const options = { database: database!, replica, binary, environment, folder: backupFolderOf(config) }
    return [replica.name, await readReplicaContents({ ...options, timeout: listingTime })]
  })
  return Object.fromEntries(await Promise.all(contents))
}

/** A queue that the processes of the app take jobs from. */
function queueOf({ jobs }: ResolvedConfig): string {
  const work = typeof jobs.work === 'object' ? jobs.work : {}
  const { queues = '*' } = work
  const names =
    typeof queues === 'string' ? queues.split(',') : Array.isArray(queues) ? queues : Object.keys(queues)
  const patterns = (names as string[]).map((name) => name.trim())
  const takes = (name: string): boolean =>
    name.endsWith('*') ? 'default'.startsWith(name.slice(0, -1)) : name === 'default'
  if (patterns.length === 0 || patterns.some(takes)) return 'default'
  return patterns[0]!.replace(/\*$/, '') || 'default'
}
