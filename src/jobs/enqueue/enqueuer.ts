import { option, OptionsError } from '../../core/index.ts'
import { SharedWrite, type Transaction } from '../../database/index.ts'
import { JobDefinition, type AnyJobDefinition } from '../definition/define-job.ts'
import type { Engine } from '../engine.ts'
import type { EnqueueOptions } from './enqueue-options.ts'
import { insert, insertAll, insertPayloads, type Enqueued, type Insertion } from './insertion.ts'
import { JobHandle } from './job-handle.ts'
import type { JobRow } from './job-row.ts'
import { Preparing } from './preparing.ts'

/** Jobs that have everything in common but their payload. */
export interface UniformJobs {
  readonly row: JobRow
  /** JSON. */
  readonly payloads: readonly string[]
}

/** Checks jobs and puts them into the table. */
export class Enqueuer {
  readonly #engine: Engine
  readonly #preparing: Preparing
  /** Jobs that are enqueued at the same time, and that nothing but a failing disk can refuse. */
  readonly #shared: SharedWrite<JobRow, Enqueued>

  constructor(engine: Engine) {
    this.#engine = engine
    this.#preparing = new Preparing(engine)
    this.#shared = new SharedWrite(engine.database, insertAll, { label: 'handcar.jobs.enqueue' })
  }

  /**
   * Enqueues a job inside the open transaction, or in one of its own. Throws at once what is refused at once.
   *
   * @param parent The job that does it.
   */
  enqueue<Result>(
    definition: unknown,
    payload: unknown,
    options?: EnqueueOptions,
    parent: number | null = null,
  ): Promise<JobHandle<Result>> {
    const prepared = this.prepare(this.known(definition), payload, options)
    if (!(prepared instanceof Promise) && isPlain(prepared) && !this.#engine.database.isInTransaction) {
      prepared.parent_id = parent
      return this.#shared.write(prepared).then((enqueued) => new JobHandle<Result>(this.#engine, enqueued))
    }
    return this.#write(prepared, (row, tx) => {
      row.parent_id = parent
      return new JobHandle<Result>(this.#engine, insert(tx, row))
    })
  }

  /** Enqueues any number of jobs, as `enqueue` does. */
  enqueueAll<Payload, Result>(
    definition: unknown,
    payloads: readonly Payload[],
    options?: EnqueueOptions | ((payload: Payload, index: number) => EnqueueOptions),
  ): Promise<JobHandle<Result>[]> {
    return this.#write(this.prepareAll(this.known(definition), payloads, options), (insertAll, tx) =>
      insertAll(tx).map((each) => new JobHandle<Result>(this.#engine, each)),
    )
  }

  /**
   * Makes the row of a job. Returns a promise only where the schema does.
   *
   * @throws OptionsError `HANDCAR_JOB_PAYLOAD`, `HANDCAR_OPTION_INVALID`, `HANDCAR_OPTION_UNKNOWN`
   */
  prepare(
    definition: AnyJobDefinition,
    payload: unknown,
    options?: EnqueueOptions,
  ): JobRow | Promise<JobRow> {
    return this.#preparing.prepare(definition, payload, options)
  }

  /** Inserts one job inside a transaction. */
  insert(tx: Transaction, row: JobRow): Enqueued {
    return insert(tx, row)
  }

  /** Checks and encodes any number of jobs; what it returns inserts them. Returns a promise only where the schema does. */
  prepareAll<Payload>(
    definition: AnyJobDefinition,
    payloads: readonly Payload[],
    options?: EnqueueOptions | ((payload: Payload, index: number) => EnqueueOptions),
  ): Insertion | Promise<Insertion> {
    if (!Array.isArray(payloads)) throw option.invalidOption('enqueueAll payloads', 'an array', payloads)
    if (payloads.length === 0) return () => []
    const uniform =
      typeof options === 'function' ? undefined : this.prepareUniform(definition, payloads, options)
    if (uniform !== undefined) return (tx) => insertPayloads(tx, uniform.row, uniform.payloads)
    const rows: (JobRow | Promise<JobRow>)[] = payloads.map((payload: Payload, index) =>
      this.prepare(definition, payload, typeof options === 'function' ? options(payload, index) : options),
    )
    if (rows.some((row) => row instanceof Promise))
      return Promise.all(rows.map(async (row) => row)).then((rows) => (tx) => insertAll(tx, rows))
    return (tx) => insertAll(tx, rows as JobRow[])
  }

  /** Inserts any number of jobs inside a transaction. Returns what became of each, in their order. */
  insertAll(tx: Transaction, rows: readonly JobRow[]): Enqueued[] {
    return insertAll(tx, rows)
  }

  /** Jobs that differ in nothing but their payload: the rest is made once. `undefined` where that is not so. */
  prepareUniform(
    definition: AnyJobDefinition,
    payloads: readonly unknown[],
    options?: EnqueueOptions,
  ): UniformJobs | undefined {
    if (!isUniform(definition) || options?.unique !== undefined) return undefined
    const row = this.#preparing.row(definition, null, options)
    return { row, payloads: this.#preparing.encodeAll(definition, payloads) }
  }

  #write<Prepared, Result>(
    prepared: Prepared | Promise<Prepared>,
    insert: (prepared: Prepared, tx: Transaction) => Result,
  ): Promise<Result> {
    const { database } = this.#engine
    const tx = database.transaction
    if (prepared instanceof Promise) {
      return prepared.then((prepared) =>
        tx ? insert(prepared, tx) : database.write((tx) => insert(prepared, tx)),
      )
    }
    return tx ? Promise.resolve(insert(prepared, tx)) : database.write((tx) => insert(prepared, tx))
  }

  /**
   * Makes sure that something is a definition of these Jobs.
   *
   * @throws OptionsError `HANDCAR_JOB_UNKNOWN`, `HANDCAR_OPTION_INVALID`
   */
  known(definition: unknown): AnyJobDefinition {
    if (!(definition instanceof JobDefinition))
      throw option.invalidOption('enqueue job', 'what defineJob returns', definition)
    const { name } = definition
    const known = this.#engine.definitions.get(name)
    if (known === definition) return definition as AnyJobDefinition
    if (known !== undefined)
      throw new OptionsError(
        'HANDCAR_JOB_UNKNOWN',
        `The job "${name}" is another definition than the one of that name in these Jobs`,
        {
          fix: 'Enqueue the very value that these Jobs were given; a module that is loaded twice makes two of them.',
        },
      )
    throw new OptionsError(
      'HANDCAR_JOB_UNKNOWN',
      `The job "${name}" is not one of the definitions of these Jobs`,
    )
  }
}

/** Whether nobody else has a say in whether a job can be enqueued. */
function isPlain({ unique_key: key, batch_id: batch }: JobRow): boolean {
  return key === null && batch === null
}

/** Whether nothing about a job depends on its payload. */
function isUniform({ unique, limit, rate, fairBy, schema }: AnyJobDefinition): boolean {
  return [unique, limit, rate, fairBy, schema].every((each) => each === undefined)
}
