import { rm } from 'node:fs/promises'
import { FileLock, type Transaction } from '../../database/index.ts'
import { finishedTopic, jobsTopic, type EndedJob, type Engine } from '../engine.ts'
import { endOfCrash } from '../perform/ending.ts'
import { rescueEvent } from '../events.ts'
import { isFinal, writeFinish } from './finisher.ts'
import type { Finish } from '../perform/running-job.ts'
import { unblock } from './limits.ts'
import {
  countRunning,
  deleteWorkers,
  endWorker,
  hasRunningJobs,
  insertError,
  selectBlockedKeys,
  selectJobsOfWorker,
  selectOldWorkers,
  selectOtherWorkers,
} from '../sql.ts'
import { lockFileOf } from './worker-seat.ts'

/** What is known of a process that died. */
export interface Death {
  /** Its pid. */
  pid: number
  /** The signal that ended it. */
  signal?: string | undefined
  /** Its exit code. */
  exitCode?: number | undefined
}

interface WorkerRow {
  id: number
  pid: number
  lock: string
  name: string
}

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

/** How often the other workers are looked at while they run jobs, in milliseconds. */
const lookInterval = 10_000
/** How long the row of a worker is kept after its end, in milliseconds. */
const keptFor = 30 * 24 * 3_600_000

/**
 * Gives the jobs of dead workers back. A worker is dead when the file is not locked that it holds as long as it lives; nobody has to
 * wait for a lease to run out, and a process that only stands still keeps its jobs.
 *
 * It looks at the start, every ten seconds while another worker has running jobs, and when somebody who knows says so
 * (`jobs.rescue()`: the supervisor, when a process has ended).
 */
export class Rescue {
  readonly #engine: Engine
  readonly #ownId: number
  readonly #deaths: readonly Death[]
  readonly #timer: NodeJS.Timeout

  /** @param deaths What is known of processes that have died; may grow. */
  constructor(engine: Engine, ownId: number, deaths: readonly Death[]) {
    this.#engine = engine
    this.#ownId = ownId
    this.#deaths = deaths
    // This timer is what keeps a process alive that does nothing but work on jobs.
    this.#timer = setInterval(() => void this.#lookAgain(), lookInterval)
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.look()
      await this.#freePlaces()
    } catch (error) {
      this.#engine.logger.warn({ error: String(error) }, 'the look for dead workers failed')
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Once, before a worker begins: what a crash or an older version left behind. */
  async tidy(): Promise<void> {
    const { database, clock } = this.#engine
    await this.look(true)
    if (database.get(selectOldWorkers, [clock.now() - keptFor]) !== undefined)
      await database.run(deleteWorkers, [clock.now() - keptFor])
    await this.#freePlaces()
  }

  /**
   * Unblocks what has a place but was not told: jobs whose limit this code has raised, or whose key was held by a row that somebody
   * deleted.
   */
  async #freePlaces(): Promise<void> {
    const { database, definitions } = this.#engine
    const limitOf = (first: string): number => {
      const [name = '', count] = first.split('\0')
      return definitions.get(name)?.limit?.count ?? Number(count)
    }
    const free = database
      .all<{ limit_key: string; first: string }>(selectBlockedKeys)
      .map(({ limit_key: key, first }) => ({ key, limit: limitOf(first) }))
      .filter(({ key, limit }) => database.get<{ running: number }>(countRunning, [key])!.running < limit)
    if (free.length > 0) {
      await database.write((tx) => free.forEach(({ key, limit }) => unblock(tx, key, limit)))
    }
  }

  /** Looks at all other workers; `isFirst`: also at those that have no jobs. */
  async look(isFirst = false): Promise<number> {
    const { database } = this.#engine
    let rescued = 0
    for (const worker of database.all<WorkerRow>(selectOtherWorkers, [this.#ownId])) {
      const death = this.#deaths.findLast(({ pid }) => pid === worker.pid)
      const isSuspect = isFirst || death !== undefined
      if (!isSuspect && database.get(hasRunningJobs, [worker.id]) === undefined) continue
      const file = lockFileOf(database, worker.lock)
      const lock = FileLock.acquire(file)
      if (lock === undefined) continue
      try {
        rescued += await database.write((tx) => this.#giveBack(tx, worker, death))
      } finally {
        lock[Symbol.dispose]()
      }
      await rm(file, { force: true })
    }
    return rescued
  }

  #giveBack(tx: Transaction, worker: WorkerRow, death: Death | undefined): number {
    const { clock, endListeners, logger, definitions } = this.#engine
    const now = clock.now()
    const jobs = tx.all<HeldRow>(selectJobsOfWorker, [worker.id])
    const how = describeDeath(worker, death)
    const ended: EndedJob[] = []
    const keys = new Map<string, number>()
    for (const job of jobs) {
      const end: Finish =
        job.cancel_reason === null
          ? endOfCrash(job, definitions.get(job.name), how, now)
          : { state: 'cancelled', reason: job.cancel_reason }
      writeFinish(tx, job, { ...end, isCrash: true }, now)
      const duration = Math.max(0, now - job.attempted_at)
      tx.run(insertError, [
        job.id,
        job.claims,
        job.attempt,
        job.attempted_at,
        duration,
        worker.name,
        how,
        null,
      ])
      if (isFinal(end.state))
        ended.push({ id: job.id, name: job.name, state: end.state, batchId: job.batch_id })
      if (job.limit_key !== null) {
        keys.set(job.limit_key, definitions.get(job.name)?.limit?.count ?? job.limit_count ?? 1)
      }
    }
    for (const [key, limit] of keys) unblock(tx, key, limit)
    if (ended.length > 0) for (const listener of endListeners) listener(tx, ended)
    tx.run(endWorker, [now, worker.id])
    tx.touch(jobsTopic, finishedTopic)
    if (rescueEvent.hasSubscribers) rescueEvent.publish({ worker: worker.name, jobs: jobs.length })
    if (jobs.length > 0)
      logger.warn({ worker: worker.name, jobs: jobs.length }, 'jobs of a dead worker are given back')
    return jobs.length
  }
}

function describeDeath({ name }: WorkerRow, death: Death | undefined): string {
  const { signal, exitCode } = death ?? {}
  const how = signal !== undefined ? ` by ${signal}` : exitCode !== undefined ? ` with code ${exitCode}` : ''
  return `the process ${name} died${how} while the job ran`
}
