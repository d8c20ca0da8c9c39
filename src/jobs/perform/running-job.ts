import type { Transaction } from '../../database/index.ts'
import type { AnyJobDefinition } from '../definition/define-job.ts'
import type { EndedJob } from '../engine.ts'

/** A job as its claim returns it. */
export interface ClaimedRow {
  readonly id: number
  readonly name: string
  readonly queue: string
  readonly priority: number
  readonly turn: number
  readonly version: number
  attempt: number
  readonly max_attempts: number
  /** The fencing token. */
  readonly claims: number
  crashes: number
  readonly limit_key: string | null
  readonly limit_count: number | null
  readonly rate_key: string | null
  readonly rate_reserved_at: number | null
  readonly batch_id: number | null
  readonly parent_id: number | null
  readonly unique_while: string | null
  readonly unique_until: number | null
  /** As it was before the claim. */
  readonly unique_key: string | null
  readonly trace: string | null
  readonly payload: string
}

/** Why a running job was told to end. */
export type AbortCause = 'cancel' | 'timeout' | 'stop' | 'lost'

/** What is written when a job leaves the state `running`. */
export interface Finish {
  readonly state: EndedJob['state'] | 'available' | 'scheduled' | 'retryable'
  /** Runs again at this time. */
  readonly scheduledAt?: number | undefined
  /** JSON. */
  readonly result?: string | undefined
  readonly reason?: string | undefined
  /** The attempt does not count. */
  readonly isUncounted?: boolean
  /** It was claimed and not begun. */
  readonly isUnbegun?: boolean
  /** It waits for code that can perform it: 2 for any process that is newer, 3 for one that starts later. */
  readonly parked?: 2 | 3
  /** The thread or process of the job has died under it. */
  readonly isCrash?: boolean
  /** Asked in the transaction of the finish: whether the job is to run again at once. */
  readonly isReady?: ((tx: Transaction) => boolean) | undefined
  /** What the attempt failed with. */
  readonly error?: unknown
}

/** A job that this process holds: it is performed, or has been and waits for its finish to be written. */
export class RunningJob {
  readonly row: ClaimedRow
  readonly definition: AnyJobDefinition
  /** `performance.now()` of its start. */
  startedAt: number = performance.now()
  /** What has become of it; `undefined` while it is performed. */
  finish: Finish | undefined
  abortCause: AbortCause | undefined
  /** How many lines this attempt has added to the log. */
  lines = 0
  /** Its finish is written already, by a transaction of its own. */
  isWritten = false
  /** Ends the timer of its timeout. */
  timer: NodeJS.Timeout | undefined
  #abortReason: unknown
  #controller: AbortController | undefined

  constructor(row: ClaimedRow, definition: AnyJobDefinition) {
    this.row = row
    this.definition = definition
  }

  /** Made when it is asked for first: most jobs never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.abortCause !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  abort(cause: AbortCause, reason: unknown): void {
    if (this.abortCause !== undefined || this.finish !== undefined) return
    this.abortCause = cause
    this.#abortReason = reason
    this.#controller?.abort(reason)
  }

  /** Why it was told to end. */
  get abortReason(): unknown {
    return this.#abortReason
  }
}
