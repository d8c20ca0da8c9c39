/** What the model knows of a job: the columns that it predicts. */
export interface ModelJob {
  readonly id: number
  readonly queue: string
  readonly maxAttempts: number
  state: string
  attempt: number
  scheduledAt: number | null
  /** Its time had come: it may have been made available. */
  wasDue: boolean
  payload: Payload
  errors: number
  unique: { key: string | null; while: string; until: number } | undefined
}

/** `key`: of its limit. */
export interface Payload {
  readonly key: string
  readonly n: number
}

/** A unique key, as an enqueue asks for it. */
export interface ModelUnique {
  readonly key: string
  readonly for: number
  readonly while: 'waiting' | 'unfinished'
  readonly onConflict: 'keep' | 'replace' | 'reschedule' | 'merge'
}

/** What has become of an attempt. */
export type Ending =
  | 'return'
  | 'complete'
  | 'throw'
  | 'throwNothing'
  | 'snooze'
  | 'retryAfter'
  | 'discard'
  | 'cancel'

/** A row of the table, as it is compared with the model. */
export interface ComparedRow {
  readonly id: number
  readonly state: string
  readonly attempt: number
  readonly scheduled_at: number | null
  readonly payload: string
  readonly unique_key: string | null
  readonly errors: number
}

const waiting = ['available', 'scheduled', 'retryable']
const ended = ['completed', 'cancelled', 'discarded']

/**
 * The jobs as they should be, in memory and without any thought of speed. It does not say which of the jobs is begun that may
 * begin: it checks that the one was allowed to, and that no slot is free that another could have.
 */
export class JobsModel {
  readonly jobs = new Map<number, ModelJob>()
  readonly paused = new Set<string>()
  now: number
  readonly #slots: number
  readonly #limit: number
  readonly #queueLimits: Readonly<Record<string, number>>

  constructor(now: number, slots: number, limit: number, queueLimits: Readonly<Record<string, number>>) {
    this.now = now
    this.#slots = slots
    this.#limit = limit
    this.#queueLimits = queueLimits
  }

  /** The jobs in some states. */
  in(...states: string[]): ModelJob[] {
    return [...this.jobs.values()].filter(({ state }) => states.includes(state))
  }

  /** Returns the id that the handle should have; `undefined` for a new one. */
  conflict(unique: ModelUnique | undefined, payload: Payload, at: number | null): number | undefined {
    if (unique === undefined) return undefined
    const holder = [...this.jobs.values()].find((job) => job.unique?.key === unique.key)
    if (holder === undefined) return undefined
    const isWaiting = waiting.includes(holder.state)
    const isHeldByTime = holder.unique!.until > this.now
    const isHeldByState = isWaiting || (holder.state === 'running' && holder.unique!.while === 'unfinished')
    if (!isHeldByTime && !isHeldByState) {
      holder.unique!.key = null
      return undefined
    }
    if (isWaiting && unique.onConflict !== 'keep') {
      holder.payload =
        unique.onConflict === 'merge' ? { ...payload, n: holder.payload.n + payload.n } : payload
      if (unique.onConflict === 'reschedule') {
        holder.state = at === null ? 'available' : 'scheduled'
        holder.scheduledAt = at
        holder.wasDue = false
        holder.unique!.until = unique.for === 0 ? 0 : this.now + unique.for
      }
    }
    return holder.id
  }

  add(
    job: Omit<ModelJob, 'state' | 'attempt' | 'wasDue' | 'errors' | 'unique'>,
    unique: ModelUnique | undefined,
  ): void {
    this.jobs.set(job.id, {
      ...job,
      state: job.scheduledAt === null ? 'available' : 'scheduled',
      attempt: 0,
      wasDue: false,
      errors: 0,
      unique: unique && {
        key: unique.key,
        while: unique.while,
        until: unique.for === 0 ? 0 : this.now + unique.for,
      },
    })
  }

  end(job: ModelJob, ending: Ending): void {
    const isLast = job.attempt >= job.maxAttempts
    job.scheduledAt = null
    job.wasDue = false
    switch (ending) {
      case 'return':
      case 'complete':
        return this.#close(job, 'completed')
      case 'discard':
        return this.#close(job, 'discarded')
      case 'cancel':
        return this.#close(job, 'cancelled')
      case 'snooze':
        job.state = 'scheduled'
        job.attempt--
        job.scheduledAt = this.now + 5_000
        return
      default:
        job.errors++
        if (isLast) return this.#close(job, 'discarded')
        job.state = 'retryable'
        job.scheduledAt = this.now + (ending.startsWith('throw') ? 1_000 * job.attempt : 3_000)
    }
  }

  /** Somebody cancels a job; one that runs ends with an error. */
  cancel(job: ModelJob): void {
    if (ended.includes(job.state)) return
    if (job.state === 'running') {
      job.errors++
      job.scheduledAt = null
    }
    this.#close(job, 'cancelled')
  }

  /** Somebody has a job run now that has failed or ended. */
  retry(job: ModelJob): void {
    if (ended.includes(job.state)) job.attempt = 0
    job.state = 'available'
    job.wasDue = false
    job.scheduledAt = null
  }

  /** The worker stops: what runs goes back. */
  giveBack(): void {
    for (const job of this.in('running')) {
      job.state = 'available'
      job.wasDue = false
      job.attempt--
      job.scheduledAt = null
    }
  }

  /** Jobs whose time has come are made available when a worker has a slot for them. */
  setTime(now: number): void {
    this.now = now
    for (const job of this.in('scheduled', 'retryable')) {
      if (job.scheduledAt !== null && job.scheduledAt <= now) job.wasDue = true
    }
  }

  #close(job: ModelJob, state: string): void {
    job.state = state
    if (job.unique && job.unique.until <= this.now) job.unique.key = null
  }

  /**
   * Compares with the table, and takes over which jobs have begun.
   *
   * @param performed The jobs whose code runs.
   * @param isWorking Whether there is a worker.
   * @returns what is wrong
   */
  compare(
    rows: readonly ComparedRow[],
    performed: ReadonlySet<number>,
    isWorking: boolean,
  ): string | undefined {
    if (rows.length !== this.jobs.size) return `${rows.length} rows, expected ${this.jobs.size}`
    const begun: ModelJob[] = []
    const released: ModelJob[] = []
    for (const row of rows) {
      const job = this.jobs.get(row.id)
      if (job === undefined) return `job ${row.id} should not exist`
      if (job.wasDue && row.state === 'available') job.state = 'available'
      const hasBegun = (job.state === 'available' || job.wasDue) && row.state === 'running'
      if (hasBegun) begun.push(job)
      if (hasBegun && this.#mayRelease(job, row)) released.push(job)
      const wrong = this.#difference(job, row, hasBegun, released.includes(job))
      if (wrong !== undefined) return wrong
      if (performed.has(row.id) !== (row.state === 'running'))
        return `job ${row.id} is ${row.state} and ${performed.has(row.id) ? 'performed' : 'not performed'}`
    }
    const running = [...this.in('running'), ...begun]
    for (const job of begun) {
      if (this.paused.has(job.queue)) return `job ${job.id} began in a paused queue`
    }
    const problem = this.#overLimit(running)
    if (problem !== undefined) return problem
    if (isWorking) {
      const idle = [...this.jobs.values()].find(
        (job) => this.#isRunnable(job) && !begun.includes(job) && this.#mayBegin(job, running),
      )
      if (idle !== undefined) return `job ${idle.id} waits although it could run`
    }
    for (const job of begun) {
      job.state = 'running'
      job.wasDue = false
      job.attempt++
    }
    for (const job of released) job.unique!.key = null
    return undefined
  }

  /** A job that holds its key while it waits releases it when it is claimed; that may have been before a period was over. */
  #mayRelease({ unique }: ModelJob, row: ComparedRow): boolean {
    if (unique?.while !== 'waiting' || unique.until > this.now) return false
    return unique.until === 0 || row.unique_key === null
  }

  #difference(job: ModelJob, row: ComparedRow, hasBegun: boolean, releases: boolean): string | undefined {
    const key = releases ? null : (job.unique?.key ?? null)
    const expected: ComparedRow = {
      id: job.id,
      state: hasBegun ? 'running' : job.state,
      attempt: job.attempt + (hasBegun ? 1 : 0),
      // What it was scheduled for stays in the row of a job that is available or runs.
      scheduled_at:
        job.state === 'scheduled' || job.state === 'retryable' ? job.scheduledAt : row.scheduled_at,
      payload: JSON.stringify(job.payload),
      unique_key: key === null ? null : `job:${key}`,
      errors: job.errors,
    }
    const [is, should] = [JSON.stringify(row), JSON.stringify(expected)]
    return is === should ? undefined : `is ${is}, should be ${should}`
  }

  #overLimit(running: readonly ModelJob[]): string | undefined {
    if (running.length > this.#slots) return `${running.length} jobs run in ${this.#slots} slots`
    for (const { payload, queue } of running) {
      if (this.#ofKey(running, payload.key) > this.#limit)
        return `more jobs of ${payload.key} run than its limit`
      if (this.#ofQueue(running, queue) > (this.#queueLimits[queue] ?? Infinity))
        return `more jobs of queue ${queue} run than its limit`
    }
    return undefined
  }

  #isRunnable({ state, scheduledAt }: ModelJob): boolean {
    if (state === 'scheduled' || state === 'retryable') return scheduledAt! <= this.now
    return state === 'available'
  }

  #mayBegin({ payload, queue }: ModelJob, running: readonly ModelJob[]): boolean {
    return (
      running.length < this.#slots &&
      !this.paused.has(queue) &&
      this.#ofKey(running, payload.key) < this.#limit &&
      this.#ofQueue(running, queue) < (this.#queueLimits[queue] ?? Infinity)
    )
  }

  #ofKey(running: readonly ModelJob[], key: string): number {
    return running.filter(({ payload }) => payload.key === key).length
  }

  #ofQueue(running: readonly ModelJob[], name: string): number {
    return running.filter(({ queue }) => queue === name).length
  }
}
