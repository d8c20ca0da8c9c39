import { HandcarError, option, readOptions, Service, StateError, type Duration } from '../core/index.ts'
import type { CheckpointerStats } from './checkpointer.ts'
import { reportSqlite, type SqliteReport } from './compile-options.ts'
import type { StatementKind } from './connection.ts'
import type { RunResult } from './driver.ts'
import { OpenDatabase } from './open-database.ts'
import { resolveOptions, type DatabaseOptions, type ResolvedOptions } from './options.ts'
import type { SqlParameters } from './parameters.ts'
import { parametersOf, textOf, type QueryInput } from './query.ts'
import type { ReaderPool, ReaderPoolStats } from './reader-pool.ts'
import { dumpSchema } from './schema-dump.ts'
import { shrink, type ShrinkOptions } from './shrink.ts'
import { Transaction, type ReadTransaction } from './transaction.ts'
import type { CommitListener } from './wake.ts'
import type { Durability } from './write-queue.ts'
import type { WriterStats, WriteRequest } from './writer.ts'

/** Options of {@link Database.write}. */
export interface WriteOptions {
  /** Names the write in events and errors. Default: the name of the body function. */
  label?: string
  /** Takes the write back while it waits; once it runs it is completed. */
  signal?: AbortSignal
  /** How long it may wait for the write lock. Default: the database's `writeTimeout`. */
  timeout?: Duration
  /** What it survives when it resolves. Default: the database's `durability`. */
  durability?: Durability
}

/** Options of {@link Database.query} and {@link Database.iterate}. */
export interface QueryOptions {
  /** Time limit, after which the query is ended. Default: `readers.timeout` of the database (30 s). */
  timeout?: Duration
  /** Ends the query at once. */
  signal?: AbortSignal
}

/** Options of {@link Database.iterate}. */
export interface IterateOptions extends QueryOptions {
  /** Rows fetched at once. Default: 1,000. */
  batchSize?: number
}

/** What a database is doing and has done, as plain JSON. */
export interface DatabaseStats {
  path: string
  /** Writes: queue, totals, and histograms of waits, holds, batch sizes and syncs. */
  writes: WriterStats
  /** Frames and bytes in the WAL. */
  wal: { frames: number; checkpointed: number; bytes: number }
  /** This process's own checkpointer; `undefined` when it has none. */
  checkpointer: CheckpointerStats | undefined
  /** The reader processes; `undefined` when there are none. */
  readers: ReaderPoolStats | undefined
  /** Whether a coordinator grants the write lease. */
  coordinated: boolean
}

const AsyncFunction = (async () => {}).constructor

/**
 * One SQLite file that serves a web application.
 *
 * ```ts
 * const database = new Database({ path: 'data/app.sqlite3', migrations: 'db/migrations' })
 * await database.start()
 * const post = database.get<Post>(sql`select * from posts where id = ${id}`)
 * await database.write((tx) => tx.run(sql`update posts set title = ${title} where id = ${id}`))
 * ```
 *
 * Reads run at once on this thread. Writes wait in a queue, fairly and without stopping the event loop, commit in groups,
 * and resolve when they are on disk. How and why: `docs/parts/database.md`.
 */
export class Database extends Service {
  readonly #options: ResolvedOptions
  #open: OpenDatabase | undefined

  /**
   * Checks the options; opens nothing.
   *
   * @throws OptionsError
   */
  constructor(options: DatabaseOptions) {
    const resolved = resolveOptions(options)
    super(resolved.stopTimeout)
    this.#options = resolved
  }

  /** Absolute path of the open file; the option `path` while it is not open. */
  get path(): string {
    return this.#open?.path ?? this.#options.path
  }

  /**
   * The first row of a query, now, on this thread; `undefined` when there is none. Inside a body of `write` or `read`
   * it sees what the transaction sees.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`; StatementError; SQLite's errors
   */
  get<Row = Record<string, unknown>>(query: QueryInput, parameters?: SqlParameters): Row | undefined {
    const open = this.#opened()
    const tx = this.#joined(open)
    if (tx !== undefined) return tx.get<Row>(query, parameters)
    return open.readers.shared.get(textOf(query), parametersOf(query, parameters)) as Row | undefined
  }

  /**
   * All rows of a query, now, on this thread. For a query that may be slow or large there are `query` and `iterate`.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`; StatementError; SQLite's errors
   */
  all<Row = Record<string, unknown>>(query: QueryInput, parameters?: SqlParameters): Row[] {
    const open = this.#opened()
    const tx = this.#joined(open)
    if (tx !== undefined) return tx.all<Row>(query, parameters)
    return open.readers.shared.all(textOf(query), parametersOf(query, parameters)) as Row[]
  }

  /**
   * Runs several statements over one state of the database and returns what the body returns. An asynchronous body may
   * await database work only. Inside a body of `write` or `read` it belongs to that transaction.
   *
   * @throws TransactionScopeError `HANDCAR_TRANSACTION_PENDING`
   */
  read<Result>(body: (tx: ReadTransaction) => Result): Result {
    assertBody('database.read', body)
    const open = this.#opened()
    const tx = this.#joined(open)
    return tx === undefined ? open.readers.read(body) : body(tx)
  }

  /**
   * All rows of a query that may be slow, from a reader process: the event loop goes on, and the query ends when its time
   * is over or its signal aborts. It does not see what an open transaction of this process has changed.
   *
   * @throws TimeoutError `HANDCAR_QUERY_TIMEOUT`; the signal's reason; SQLite's errors
   */
  async query<Row = Record<string, unknown>>(
    query: QueryInput,
    parameters?: SqlParameters,
    options?: QueryOptions,
  ): Promise<Row[]> {
    const pool = this.#pool()
    const { timeout, signal } = readOptions('database.query', options, queryReaders(pool))
    const patience = { deadline: performance.now() + timeout, signal }
    return (await pool.all(textOf(query), parametersOf(query, parameters), patience)) as Row[]
  }

  /**
   * The rows of a query one by one, however many there are: neither the event loop nor memory nor a snapshot is held
   * while the caller works on them.
   *
   * @throws TimeoutError `HANDCAR_QUERY_TIMEOUT`; the signal's reason; SQLite's errors
   */
  async *iterate<Row = Record<string, unknown>>(
    query: QueryInput,
    parameters?: SqlParameters,
    options?: IterateOptions,
  ): AsyncGenerator<Row, void, void> {
    const pool = this.#pool()
    const { timeout, signal, batchSize } = readOptions('database.iterate', options, {
      ...queryReaders(pool),
      batchSize: option.integer(1_000, { min: 1, max: 100_000 }),
    })
    yield* pool.iterate(
      textOf(query),
      parametersOf(query, parameters),
      batchSize,
      timeout,
      signal,
    ) as AsyncGenerator<Row, void, void>
  }

  /**
   * Runs a body in a transaction that may write, and resolves with what it returns once that is committed and on disk.
   * When the body throws, its changes are taken back and nobody else's. Inside a body, a further `write` is a savepoint.
   *
   * The body runs to its end in one turn of the event loop: it may be asynchronous, but await database work only.
   *
   * @throws TransactionScopeError `HANDCAR_TRANSACTION_PENDING` when the body waits for something else
   * @throws StateError `HANDCAR_READ_ONLY` when the database was opened with `readOnly`
   * @throws BusyError `HANDCAR_DATABASE_BUSY`, `HANDCAR_WRITE_QUEUE_FULL`; the signal's reason; whatever the body throws
   */
  write<Result>(
    body: (tx: Transaction) => Result | Promise<Result>,
    options?: WriteOptions,
  ): Promise<Result> {
    try {
      assertBody('database.write', body)
      const open = this.#opened()
      if (this.#options.readOnly) throw readOnly(open.path)
      const tx = this.#joined(open)
      if (tx instanceof Transaction) return tx.join(body)
      return open.writer.write(body, this.#request(body, options)) as Promise<Result>
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** A write of one statement. */
  run(query: QueryInput, parameters?: SqlParameters, options?: WriteOptions): Promise<RunResult> {
    return this.write((tx) => tx.run(query, parameters), { label: 'run', ...options })
  }

  /**
   * Calls a listener after commits: of this process, of other processes of handcar, and of programs that are not. With
   * topics, only when one of them was named by `tx.touch`, or when it is not known what was changed.
   *
   * @returns what ends the subscription
   */
  onCommit(listener: CommitListener, topics?: readonly string[]): () => void {
    return this.#opened().wake.subscribe(topics, listener)
  }

  /**
   * Gives free pages of the file back to the file system, in writes of a millisecond or two, with pauses between. The file
   * itself gets shorter at the next checkpoint that has nothing left to move. Resolves with the number of bytes.
   *
   * Does nothing where `pragma auto_vacuum` of the file is not `incremental`, as in files that were not made by handcar.
   */
  shrink(options?: ShrinkOptions): Promise<number> {
    return shrink(this, options)
  }

  /** The transaction in whose body the current code runs, if it runs in one. */
  get transaction(): Transaction | undefined {
    const tx = this.#joined(this.#opened())
    return tx instanceof Transaction ? tx : undefined
  }

  /** @internal How many writes were queued since the start. */
  get writesQueued(): number {
    return this.#opened().writer.queuedEver
  }

  /** Whether the current code runs in a body of `write` or `read`. */
  get isInTransaction(): boolean {
    return this.#joined(this.#opened()) !== undefined
  }

  /**
   * A number that is another one whenever somebody else has committed since: another process, or a program that is not
   * handcar. Writes of this database do not change it. Reading it costs as much as a point read.
   */
  get dataVersion(): number {
    return this.#opened().dataVersion()
  }

  /** The schema as SQL that makes the same schema again, with the list of applied migrations. */
  schema(): string {
    return dumpSchema(this.#opened().readers.shared)
  }

  /** Version and compile options of the SQLite library. */
  sqlite(): SqliteReport {
    return reportSqlite(this.#opened().readers.shared)
  }

  /** What a statement is, for query builders that send reads and writes different ways. SQLite's errors pass through. */
  inspect(text: string): StatementKind {
    const open = this.#opened()
    return (this.#joined(open)?.connection ?? open.readers.shared).inspect(text)
  }

  /** What the database is doing and has done since the start. */
  stats(): DatabaseStats {
    const open = this.#opened()
    return {
      path: open.path,
      writes: open.writer.stats(),
      wal: open.wal(),
      checkpointer: open.checkpointer?.stats(),
      readers: open.pool?.stats(),
      coordinated: open.isCoordinated,
    }
  }

  protected async open(): Promise<void> {
    this.#open = await OpenDatabase.open(this.#options)
  }

  protected async close(timeout: number): Promise<void> {
    const open = this.#open
    try {
      await open?.close(timeout)
    } finally {
      this.#open = undefined
    }
  }

  #opened(): OpenDatabase {
    if (this.#open !== undefined) return this.#open
    throw new StateError(
      'HANDCAR_NOT_STARTED',
      `The database ${this.#options.path} is not open (it is ${this.state})`,
    )
  }

  /**
   * The open transaction of the current code; code that a savepoint left behind belongs to the transaction around it.
   * Code of a body that was rolled back may still run; it must not go on outside the transaction as if nothing had
   * happened.
   */
  #joined({ context }: OpenDatabase): ReadTransaction | undefined {
    let tx = context.getStore()
    while (tx !== undefined && !tx.isOpen) {
      if (tx.wasRolledBack) tx.assertUsable()
      tx = tx instanceof Transaction ? tx.outer : undefined
    }
    return tx
  }

  #pool(): ReaderPool {
    const { pool } = this.#opened()
    if (pool) return pool
    throw new HandcarError(
      'HANDCAR_OPTION_INVALID',
      'This database has no reader processes: its option readers is false',
    )
  }

  #request(body: (tx: Transaction) => unknown, options: WriteOptions | undefined): WriteRequest {
    const callSite = body instanceof AsyncFunction ? captureCallSite() : undefined
    const { durability, writeTimeout: timeout } = this.#options
    const label = body.name || 'write'
    if (options === undefined) return { label, callSite, durability, timeout, signal: undefined }
    const chosen = readOptions('database.write', options, {
      label: option.text(label),
      signal: option.signal,
      timeout: option.duration(timeout),
      durability: option.oneOf<Durability>(['disk', 'os'], durability),
    })
    return { callSite, ...chosen }
  }
}

function assertBody(method: string, body: unknown): void {
  if (typeof body !== 'function') throw option.invalidOption(`${method} body`, 'a function', body)
}

function queryReaders(pool: ReaderPool) {
  return { timeout: option.duration(pool.defaultTimeout), signal: option.signal }
}

function readOnly(path: string): StateError {
  return new StateError('HANDCAR_READ_ONLY', `The database ${path} was opened read-only and takes no writes`)
}

/** Remembers who called, for the message about a body that waits for too much. */
function captureCallSite(): Error {
  const callSite = new Error('called')
  // oxlint-disable-next-line typescript/unbound-method -- only names where the trace begins
  Error.captureStackTrace(callSite, Database.prototype.write)
  return callSite
}
