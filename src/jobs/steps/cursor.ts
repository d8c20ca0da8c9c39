import type { Transaction } from '../../database/index.ts'
import type { WriteTarget } from './step-store.ts'

/** How far a long loop has come, kept with its job. Made by `job.cursor`. */
export class Cursor<Value> {
  readonly #save: SaveCursor
  #value: Value

  /** @internal */
  constructor(value: Value, save: SaveCursor) {
    this.#value = value
    this.#save = save
  }

  /** Where the loop stands: what was saved last, by this attempt or an earlier one. */
  get value(): Value {
    return this.#value
  }

  /**
   * Moves the cursor, together with what `body` writes: both or neither. Inside a body of `database.write` it belongs to that
   * transaction.
   *
   * Outside of one it is also the place where the loop ends when the process stops or the job is cancelled: then it throws, after it
   * has saved.
   *
   * @param value Any JSON.
   * @param target Where `body` writes; only for jobs that run in a thread or process.
   * @throws StateError `HANDCAR_JOB_CLAIM_LOST`; OptionsError `HANDCAR_JOB_PAYLOAD`; whatever the body throws
   */
  async save(value: Value, body?: (tx: Transaction) => unknown, target?: WriteTarget): Promise<void> {
    await this.#save(value, body, target)
    this.#value = value
  }
}

/** Saves where a cursor stands. */
export type SaveCursor = (
  value: unknown,
  body: ((tx: Transaction) => unknown) | undefined,
  target: WriteTarget | undefined,
) => Promise<void>
