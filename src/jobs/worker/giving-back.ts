import type { Transaction } from '../../database/index.ts'
import { jobsTopic, tellEnded, type EndedJob, type Engine } from '../engine.ts'
import { rescueEvent } from '../events.ts'
import { endOfCrash } from '../perform/ending.ts'
import type { Finish } from '../perform/running-job.ts'
import { endWorker, insertError, selectJobsOfWorker } from '../sql.ts'
import { isFinal, writeFinish } from './finisher.ts'
import { limitOf, unblock } from './limits.ts'
import type { Death } from './rescue.ts'

interface HeldRow {
  id: number
  name: string
  attempt: number
  max_attempts: number
  claims: number
  crashes: number
  attempted_at: number
  limit_key: string | null
  limit_count: number | null
  rate_key: string | null
  batch_id: number | null
  unique_while: string | null
  unique_until: number | null
  cancel_reason: string | null
}

/**
 * Takes the jobs of a dead worker away from it: they run again, or are discarded, as their definition says. Returns how many there
 * were.
 */
export function giveBackJobs(
  tx: Transaction,
  engine: Engine,
  worker: { id: number; name: string },
  death: Death | undefined,
): number {
  const { clock, logger, definitions } = engine
  const now = clock.now()
  const jobs = tx.all<HeldRow>(selectJobsOfWorker, [worker.id])
  const how = describeDeath(worker.name, death)
  const ended: EndedJob[] = []
  const keys = new Map<string, number>()
  for (const job of jobs) {
    const end: Finish =
      job.cancel_reason === null
        ? endOfCrash(job, definitions.get(job.name), how, engine)
        : { state: 'cancelled', reason: job.cancel_reason }
    writeFinish(tx, job, { ...end, isCrash: true }, now)
    const duration = Math.max(0, now - job.attempted_at)
    tx.run(insertError, [job.id, job.claims, job.attempt, job.attempted_at, duration, worker.name, how, null])
    if (end.state === 'discarded')
      logger.error({ job: job.name, jobId: job.id, error: end.reason }, 'a job has failed and is discarded')
    if (isFinal(end.state))
      ended.push({ id: job.id, name: job.name, state: end.state, batchId: job.batch_id })
    if (job.limit_key !== null) {
      keys.set(job.limit_key, limitOf(definitions.get(job.name), job.limit_count))
    }
  }
  for (const [key, limit] of keys) unblock(tx, key, limit)
  tx.run(endWorker, [now, worker.id])
  tx.touch(jobsTopic)
  tellEnded(tx, engine, ended)
  if (rescueEvent.hasSubscribers) rescueEvent.publish({ worker: worker.name, jobs: jobs.length })
  if (jobs.length > 0)
    logger.warn({ worker: worker.name, jobs: jobs.length }, 'jobs of a dead worker are given back')
  return jobs.length
}

function describeDeath(name: string, death: Death | undefined): string {
  const { signal, exitCode } = death ?? {}
  const how = signal !== undefined ? ` by ${signal}` : exitCode !== undefined ? ` with code ${exitCode}` : ''
  return `the process ${name} died${how} while the job ran`
}
