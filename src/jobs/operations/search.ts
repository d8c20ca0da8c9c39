import type { Database, SqlParameters } from '../../database/index.ts'
import type { JobState } from '../enqueue/job-handle.ts'
import type { ResolvedFilter } from './filter.ts'
import {
  countOfPick,
  countOfWalk,
  pickIds,
  pickJobs,
  selectAvailable,
  selectEnded,
  selectMembers,
  selectRunning,
  selectSlice,
  selectWaitingForTime,
  walkIds,
  walkJobs,
} from './sql.ts'

/** Up to so many jobs of a state are looked up one by one; when there are more, the table is walked through. */
const fewJobs = 10_000
/** The first slice of a walk is small: mostly what is wanted is among the newest jobs. */
const firstSlice = 1_000
/** Rows of a slice in a process beside this one, and on this thread. */
const slice = { beside: 20_000, here: 1_000 }

/** What a search gives for each job: its columns, its id, or only their count. */
type Columns = 'jobs' | 'ids' | 'count'

const statements = {
  jobs: { walk: walkJobs, pick: pickJobs },
  ids: { walk: walkIds, pick: pickIds },
  count: { walk: countOfWalk, pick: countOfPick },
} as const

/**
 * Finds jobs by a filter, the newest first, in a table of any size: where an index knows few candidates (their ids, a batch, a state
 * that few jobs are in), those are looked at; else the table is walked through in slices of its ids. Either happens in a
 * reader process where the database has any, and else in slices between which the event loop goes on; never in one long read.
 */
export class Search {
  readonly #database: Database
  readonly #filter: ResolvedFilter
  readonly #isBeside: boolean
  /** Inside a transaction everything happens in its turn. */
  readonly #isInTransaction: boolean

  constructor(database: Database, filter: ResolvedFilter) {
    this.#database = database
    this.#filter = filter
    this.#isInTransaction = database.isInTransaction
    this.#isBeside = !this.#isInTransaction && database.stats().readers !== undefined
  }

  /** Yields what is found, slice by slice, below an id; the caller ends it when it has enough. */
  async *find<Row>(
    columns: Columns,
    states: readonly JobState[] | undefined,
    { below = Number.MAX_SAFE_INTEGER, limit = Number.MAX_SAFE_INTEGER } = {},
  ): AsyncGenerator<Row[], void, void> {
    const parameters = {
      ...this.#filter.parameters,
      states: states === undefined ? null : JSON.stringify(states),
      limit,
    }
    const { walk, pick } = statements[columns]
    const candidates = await this.#candidates(states)
    if (candidates !== undefined) {
      for (const ids of slicesBelow(candidates, below)) {
        yield await this.#read<Row>(pick, { ...parameters, ids: JSON.stringify(ids), below })
        await this.#breathe()
      }
      return
    }
    let size = firstSlice
    let end = below
    for (;;) {
      const [first] = await this.#read<{ id: number }>(selectSlice, [end, size - 1])
      yield await this.#read<Row>(walk, {
        ...parameters,
        least: first?.id ?? -Number.MAX_SAFE_INTEGER,
        below: end,
      })
      if (first === undefined) return
      end = first.id
      size = this.#isBeside ? slice.beside : slice.here
      await this.#breathe()
    }
  }

  /** The jobs among which all that are meant are, when an index knows that they are few. */
  async #candidates(states: readonly JobState[] | undefined): Promise<readonly number[] | undefined> {
    const { ids, batch } = this.#filter
    if (ids !== undefined) return ids
    if (batch !== undefined) return this.#few([[selectMembers, [batch, fewJobs + 1]]])
    if (states === undefined) return undefined
    const sources = new Set(states.map((state) => sourceOf[state]))
    return this.#few([...sources].map((text) => [text, this.#parametersOf(text, states)]))
  }

  #parametersOf(text: string, states: readonly JobState[]): SqlParameters {
    if (text !== selectEnded) return [fewJobs + 1]
    const { since, until } = this.#filter.parameters
    return [
      JSON.stringify(states),
      since ?? Number.MIN_SAFE_INTEGER,
      until ?? Number.MAX_SAFE_INTEGER,
      fewJobs + 1,
    ]
  }

  async #few(queries: [string, SqlParameters][]): Promise<number[] | undefined> {
    const found: number[] = []
    for (const [text, parameters] of queries) {
      for (const { id } of await this.#read<{ id: number }>(text, parameters)) found.push(id)
      if (found.length > fewJobs) return undefined
    }
    return found
  }

  async #read<Row>(text: string, parameters: SqlParameters): Promise<Row[]> {
    return this.#isBeside
      ? this.#database.query<Row>(text, parameters)
      : this.#database.all<Row>(text, parameters)
  }

  async #breathe(): Promise<void> {
    if (!this.#isBeside && !this.#isInTransaction) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Where the ids of the jobs in a state are found without a look at the table. */
const sourceOf = {
  available: selectAvailable,
  scheduled: selectWaitingForTime,
  retryable: selectWaitingForTime,
  running: selectRunning,
  completed: selectEnded,
  cancelled: selectEnded,
  discarded: selectEnded,
} satisfies Record<JobState, string>

/** Cuts ids into slices, the largest ids first. */
function slicesBelow(ids: readonly number[], below: number): number[][] {
  const sorted = [...new Set(ids)].filter((id) => id < below).sort((a, b) => b - a)
  const slices: number[][] = []
  for (let from = 0; from < sorted.length; from += slice.here)
    slices.push(sorted.slice(from, from + slice.here))
  return slices
}
