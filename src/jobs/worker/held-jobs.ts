import { StateError } from '../../core/index.ts'
import { selectCancelledJobs } from '../sql.ts'
import type { Engine } from '../engine.ts'
import { Performing } from '../perform/performing.ts'
import type { Replacement } from '../perform/performers.ts'
import { RunningJob, type ClaimedRow, type Finish } from '../perform/running-job.ts'
import type { Finisher } from './finisher.ts'
import { isSuspect, Suspects } from './suspects.ts'

/** For how long one turn starts jobs before the event loop gets its turn, in milliseconds. */
const longestStart = 8
/** How many jobs are claimed ahead at most. */
const mostAhead = 100
/** How long a job that was claimed ahead waits for its slot, in milliseconds. */
const longestPrefetch = 25
const givenBack: Finish = { state: 'available', isUncounted: true }
const unbegun: Finish = { ...givenBack, isUnbegun: true }

/** How many jobs a worker holds, and where it has them performed. */
interface HeldJobsOptions extends Replacement {
  /** How many jobs run at once. */
  readonly slots: number
}

/**
 * The jobs that a worker holds, from their claim to the turn that writes what has become of them:
 *
 *     claimed ─► prefetched ─► running ─► finished
 *
 * A few more are claimed than there are slots free where jobs are short; one that finds no slot soon is given back.
 */
export class HeldJobs {
  readonly performing: Performing
  /** What has become of these is still to be written. */
  finished: RunningJob[] = []
  readonly #engine: Engine
  readonly #slots: number
  readonly #onChange: () => void
  readonly #running: ReadonlySet<RunningJob>
  readonly #suspects: Suspects
  #prefetched: RunningJob[] = []
  #prefetchTimer: NodeJS.Timeout | undefined
  #isOpen = false
  /** Somebody has cancelled running jobs, perhaps some that were claimed and have not come here yet. */
  #mayBeCancelled = false

  /** @param onChange Called when a slot has become free, or there is something to write. */
  constructor(engine: Engine, finisher: Finisher, options: HeldJobsOptions, onChange: () => void) {
    this.#engine = engine
    this.#slots = options.slots
    this.#onChange = onChange
    this.performing = new Performing(engine, finisher, options, (job) => this.#ended(job))
    this.#running = this.performing.running
    this.#suspects = new Suspects((job) => this.#start(job), onChange)
  }

  /** How many slots are free. */
  get free(): number {
    return this.#isOpen && !this.#suspects.wantAll
      ? this.#slots - this.#running.size - this.#prefetched.length
      : 0
  }

  /**
   * How many jobs are claimed ahead of free slots: as many as will be done in a few milliseconds. None where jobs take
   * long, because another process may have a slot for them sooner.
   */
  get ahead(): number {
    return Math.min(mostAhead, Math.floor((longestStart * this.#slots) / this.performing.meanDuration))
  }

  open(): void {
    this.finished = []
    this.#isOpen = true
  }

  /** Takes no more jobs, and gives those back that have not begun. */
  close(): void {
    this.#isOpen = false
    clearTimeout(this.#prefetchTimer)
    this.#returnPrefetched()
    this.#unfetch(this.#suspects.giveUp(), unbegun)
  }

  /** Starts jobs that were claimed; the event loop gets its turn now and then. */
  async startAll(rows: readonly ClaimedRow[], workerId: number): Promise<void> {
    const claimed = rows.map((row) => new RunningJob(row, this.#engine.definitions.get(row.name)!))
    const jobs = claimed.some(isMostlyOnce) ? await this.#synced(claimed) : claimed
    let startedAt = performance.now()
    for (const job of jobs) {
      if (!this.#isOpen) this.#unfetch([job], unbegun)
      else if (isSuspect(job)) this.#suspects.add(job)
      else if (this.#running.size < this.#slots) this.#start(job)
      else this.#prefetched.push(job)
      if (job.startedAt - startedAt < longestStart) continue
      await new Promise((resolve) => setImmediate(resolve))
      startedAt = performance.now()
    }
    if (this.#suspects.wantAll) this.#returnPrefetched()
    this.#suspects.next(this.#running.size)
    if (this.#prefetched.length > 0)
      this.#prefetchTimer ??= setTimeout(() => this.#returnPrefetched(), longestPrefetch)
    if (this.#mayBeCancelled) this.abortCancelled(workerId)
    this.#mayBeCancelled = false
  }

  /** Tells the jobs to end that were cancelled. */
  abortCancelled(workerId: number): void {
    this.#mayBeCancelled = true
    if (this.#running.size + this.#prefetched.length === 0 && !this.#suspects.wantAll) return
    const cancelled = this.#engine.database.all<{ id: number; claims: number; cancel_reason: string }>(
      selectCancelledJobs,
      [workerId],
    )
    for (const { id, claims, cancel_reason: reason } of cancelled) {
      const isIt = ({ row }: RunningJob): boolean => row.id === id && row.claims === claims
      const waiting = this.#prefetched.find(isIt) ?? this.#suspects.remove(isIt)
      if (waiting) this.#unfetch([waiting], { state: 'cancelled', reason })
      for (const job of this.#running) {
        if (!isIt(job) || job.abortCause !== undefined) continue
        const message = `Job ${id} was cancelled: ${reason}`
        const error = new StateError('HANDCAR_JOB_CANCELLED', message, { details: { reason } })
        this.performing.abort(job, 'cancel', error)
      }
    }
  }

  /** Tells all jobs to end, because the process stops. */
  abortAll(): void {
    const reason = new StateError('HANDCAR_STOPPED', 'The process stops; the job will run again')
    for (const job of this.#running) job.abort('stop', reason)
  }

  /** Gives all jobs back that still run; their attempt does not count. */
  giveBackAll(): void {
    for (const job of this.#running) {
      const { id, name } = job.row
      this.#engine.logger.warn(
        { job: name, jobId: id },
        'a job was not done when the process stopped; it will run again',
      )
      this.performing.end(job, givenBack)
    }
  }

  /** A job that must not run twice begins when its claim would survive a power cut: an empty write waits for the disk. */
  async #synced(jobs: readonly RunningJob[]): Promise<readonly RunningJob[]> {
    try {
      await this.#engine.database.write(() => undefined, { label: 'handcar.jobs.sync', durability: 'disk' })
      return jobs
    } catch (error) {
      const message = 'jobs that must not run twice are given back: the disk failed'
      this.#engine.logger.warn({ error: String(error) }, message)
      this.#unfetch(jobs.filter(isMostlyOnce), unbegun)
      return jobs.filter((job) => !isMostlyOnce(job))
    }
  }

  #start(job: RunningJob): void {
    job.startedAt = performance.now()
    this.performing.start(job)
  }

  /** Jobs that were claimed for slots which did not become free as soon as thought: others may have some. */
  #returnPrefetched(): void {
    this.#prefetchTimer = undefined
    this.#unfetch(this.#prefetched, unbegun)
  }

  /** What has become of a job waits for the next turn. */
  #ended(job: RunningJob): void {
    if (!job.isWritten) this.finished.push(job)
    this.#suspects.ended(job)
    const next = this.#isOpen ? this.#prefetched.shift() : undefined
    if (next !== undefined) this.#start(next)
    this.#suspects.next(this.#running.size)
    this.#onChange()
  }

  /** Jobs that were claimed and not begun get another end. */
  #unfetch(jobs: readonly RunningJob[], finish: Finish): void {
    this.#prefetched = this.#prefetched.filter((job) => !jobs.includes(job))
    for (const job of jobs) {
      job.finish = finish
      this.finished.push(job)
    }
    this.#onChange()
  }
}

/** Whether a job must not run twice. */
function isMostlyOnce({ definition }: RunningJob): boolean {
  return definition.onCrash === 'discard'
}
