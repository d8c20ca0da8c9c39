import type { JobRow } from '../enqueue/job-row.ts'
import type { PlannedOptions } from './batch-options.ts'

/** What becomes of a job when something that it needs has failed. */
export type IfNeedsFail = 'cancel' | 'run'

/** What a job waits for, as a plan names it: a member, the name of one, or a job that is enqueued already. */
export type Need = Member | string | { readonly id: number }

/** How a member of a plan waits for others. */
export interface Waiting {
  readonly needs: readonly Need[]
  readonly ifNeedsFail: IfNeedsFail
}

/** Something in a batch that other jobs can wait for; made by the methods of the builder. */
export abstract class Member {
  readonly name: string | undefined
  /** @internal */
  readonly waiting: Waiting
  /** @internal The batch that it is in. */
  readonly parent: BatchMember | undefined
  /** @internal Its row, once it is inserted. */
  id: number | undefined

  /** @internal */
  constructor(name: string | undefined, waiting: Waiting, parent: BatchMember | undefined) {
    this.name = name
    this.waiting = waiting
    this.parent = parent
  }
}

/** A job of a plan. */
export class JobMember extends Member {
  /** @internal */
  readonly kind = 'job'
  /** @internal Of all jobs that differ in nothing but their payload it is the same row. */
  row: JobRow
  /** @internal JSON; `undefined` where the row has it. */
  payload: string | undefined
  /** @internal Whether its time counts from when it waits for nothing any more. */
  readonly isDelayed: boolean

  /** @internal */
  constructor(
    name: string | undefined,
    waiting: Waiting,
    parent: BatchMember,
    row: JobRow,
    isDelayed: boolean,
  ) {
    super(name, waiting, parent)
    this.row = row
    this.isDelayed = isDelayed
  }
}

/** A batch of a plan, with all that is in it. */
export class BatchMember extends Member {
  /** @internal */
  readonly kind = 'batch'
  /** @internal */
  readonly options: PlannedOptions
  /** @internal */
  readonly jobs: JobMember[] = []
  /** @internal */
  readonly batches: BatchMember[] = []
  /** @internal */
  readonly byName = new Map<string, AnyMember>()

  /** @internal */
  constructor(options: PlannedOptions, waiting: Waiting, parent: BatchMember | undefined) {
    super(options.name, waiting, parent)
    this.options = options
  }
}

/** @internal */
export type AnyMember = JobMember | BatchMember
