import { option, readOptions } from '../../core/index.ts'
import type { Engine } from '../engine.ts'
import { act, statesFor, type JobAction } from './action.ts'
import { deleteAction } from './delete.ts'
import { drain, type DrainOptions } from './drain.ts'
import { edit, type JobEdit } from './edit.ts'
import { endAction, type ActOptions } from './end.ts'
import { readFilter, type JobFilter } from './filter.ts'
import { readDetails, type JobDetails } from './job-details.ts'
import { toJobInfo, type JobInfo, type ListedRow } from './job-info.ts'
import { pause, resume, type PauseTarget } from './pauses.ts'
import { rescheduleAction } from './reschedule.ts'
import { retryAction, type RetryOptions } from './retry.ts'
import { Search } from './search.ts'

/** Options of `jobs.list`. */
export interface ListOptions {
  /** How many at most. Default: 50. */
  limit?: number
  /** Goes on where a list has ended: its `next`. */
  after?: number
}

/** A page of a list. */
export interface JobList {
  /** The newest first. */
  jobs: JobInfo[]
  /** Where the next page begins; `undefined` after the last one. */
  next: number | undefined
}

/** What an action would do. */
export interface JobPreview {
  /** How many jobs it would change. */
  count: number
  /** The newest of them, ten at most. */
  sample: JobInfo[]
}

const sampleSize = 10

/** What people do with jobs: look, and put right. See the methods of `Jobs`. */
export class Operations {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async list(filter: JobFilter, options?: ListOptions): Promise<JobList> {
    const { limit, after } = readOptions('list', options, {
      limit: option.integer(50, { min: 1, max: 10_000 }),
      after: option.optional(option.integer(0, { min: 1, max: Number.MAX_SAFE_INTEGER })),
    })
    const resolved = readFilter('list', filter)
    const jobs: JobInfo[] = []
    const range = { limit: limit + 1, ...(after !== undefined && { below: after }) }
    for await (const rows of this.#search(resolved).find<ListedRow>('jobs', resolved.states, range)) {
      for (const row of rows) jobs.push(toJobInfo(row))
      if (jobs.length > limit) break
    }
    const page = jobs.slice(0, limit)
    return { jobs: page, next: jobs.length > limit ? page.at(-1)!.id : undefined }
  }

  async get(id: number): Promise<JobDetails | undefined> {
    option.integer(0, { min: 1, max: Number.MAX_SAFE_INTEGER })(id, 'get id')
    return readDetails(this.#engine.database, id)
  }

  async preview(action: JobAction, filter: number | JobFilter): Promise<JobPreview> {
    option.oneOf<JobAction>(['retry', 'discard', 'cancel', 'reschedule', 'delete'], 'retry')(
      action,
      'preview action',
    )
    const resolved = readFilter('preview', filter)
    const states = statesFor(action, resolved)
    if (states.length === 0) return { count: 0, sample: [] }
    const sample: JobInfo[] = []
    const search = this.#search(resolved)
    for await (const rows of search.find<ListedRow>('jobs', states, { limit: sampleSize })) {
      for (const row of rows) sample.push(toJobInfo(row))
      if (sample.length >= sampleSize) break
    }
    let count = 0
    if (sample.length < sampleSize) count = sample.length
    else for await (const [row] of search.find<{ count: number }>('count', states)) count += row!.count
    return { count, sample: sample.slice(0, sampleSize) }
  }

  async retry(filter: number | JobFilter, options?: RetryOptions): Promise<number> {
    return act(this.#engine, filter, retryAction(this.#engine, options))
  }

  async discard(filter: number | JobFilter, reason: string, options?: ActOptions): Promise<number> {
    return act(this.#engine, filter, endAction(this.#engine, 'discard', reason, options))
  }

  async cancel(filter: number | JobFilter, reason: string, options?: ActOptions): Promise<number> {
    return act(this.#engine, filter, endAction(this.#engine, 'cancel', reason, options))
  }

  async reschedule(filter: number | JobFilter, at: Date | number, options?: ActOptions): Promise<number> {
    return act(this.#engine, filter, rescheduleAction(this.#engine, at, options))
  }

  async delete(filter: number | JobFilter): Promise<number> {
    return act(this.#engine, filter, deleteAction)
  }

  async edit(id: number, changes: JobEdit): Promise<boolean> {
    return edit(this.#engine, id, changes)
  }

  async drain(queue?: string, options?: DrainOptions): Promise<void> {
    return drain(this.#engine, queue, options)
  }

  async pause(target: PauseTarget): Promise<boolean> {
    return pause(this.#engine, target)
  }

  async resume(target: PauseTarget): Promise<boolean> {
    return resume(this.#engine, target)
  }

  #search(filter: ReturnType<typeof readFilter>): Search {
    return new Search(this.#engine.database, filter)
  }
}
