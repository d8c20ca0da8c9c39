import { StatementError, type Logger } from '../core/index.ts'
import { openDriver, type DriverConnection, type DriverStatement, type RunResult } from './driver.ts'
import { queryEvent } from './events.ts'
import { checkParameters, type SqlParameters } from './parameters.ts'
import { applyPragmas, type Pragmas } from './pragmas.ts'
import { StatementCache } from './statement-cache.ts'

/** What opening a connection needs to know. */
export interface ConnectionOptions {
  path: string
  readonly: boolean
  /** Whether the file is never created. Default: a connection that writes creates it. */
  mustExist?: boolean
  pragmas: Pragmas
  /** Paths of the extensions to load. */
  extensions: readonly string[]
  /** How many prepared statements are kept. */
  cachedStatements: number
  /** Statements that run longer than this many milliseconds are logged. */
  slowQuery: number
  logger: Logger
}

/** What a statement is. */
export interface StatementKind {
  /** Whether SQLite says that it cannot change the database. */
  readonly: boolean
  /** Whether it returns rows: a query, or a change with `returning`. */
  returnsRows: boolean
}

/** One connection: the driver's, with pragmas set and verified, statements cached, parameters checked and queries timed. */
export class Connection {
  readonly #driver: DriverConnection
  readonly #statements: StatementCache
  readonly #options: ConnectionOptions
  #hasLostTransaction = false

  /**
   * Opens the connection.
   *
   * @throws HandcarError `HANDCAR_DATABASE_PRAGMA`; SQLite's own errors pass through
   */
  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#driver = openDriver(options.path, { readonly: options.readonly, mustExist: options.mustExist })
    this.#statements = new StatementCache(options.cachedStatements, (text) => this.#prepare(text))
    try {
      for (const extension of options.extensions) this.#driver.loadExtension(extension)
      applyPragmas(this.#driver, options.pragmas, options.readonly)
    } catch (error) {
      this.#driver.close()
      throw error
    }
  }

  /** Whether a failed statement has made SQLite end the transaction by itself, as a full disk does. Cheap to ask. */
  get hasLostTransaction(): boolean {
    return this.#hasLostTransaction
  }

  /** Whether a transaction is open. */
  get inTransaction(): boolean {
    return this.#driver.inTransaction
  }

  /** The first row, or `undefined`. */
  get(text: string, parameters: SqlParameters): unknown {
    return this.#execute('get', text, parameters)
  }

  /** All rows. */
  all(text: string, parameters: SqlParameters): unknown[] {
    return this.#execute('all', text, parameters) as unknown[]
  }

  /** Runs a statement for its effect; rows that it returns are dropped. */
  run(text: string, parameters: SqlParameters): RunResult {
    return this.#execute('run', text, parameters) as RunResult
  }

  /** What a statement is, without running it. */
  inspect(text: string): StatementKind {
    const { readonly, reader } = this.#statements.get(text)
    return { readonly, returnsRows: reader }
  }

  /** Runs statements of handcar's own, one or several, without a cache, a check or a report. */
  exec(text: string): void {
    this.#driver.exec(text)
  }

  /** Reads or sets a pragma; the value of the first column of the first row. */
  pragma(text: string): unknown {
    return this.#driver.pragma(text, { simple: true })
  }

  /** Reads a pragma that returns rows. */
  pragmaRows<Row>(text: string): Row[] {
    return this.#driver.pragma(text) as Row[]
  }

  /** Begins or ends a transaction of handcar's own; the statement is kept prepared. */
  control(text: string): void {
    this.#hasLostTransaction = false
    this.#control.get(text).run([])
  }

  readonly #control = new StatementCache(64, (text) => this.#driver.prepare(text))

  /** Closes the connection. */
  close(): void {
    this.#driver.close()
  }

  #execute(method: 'get' | 'all' | 'run', text: string, parameters: SqlParameters): unknown {
    const statement = this.#statement(text)
    const bound = checkParameters(parameters)
    const startedAt = performance.now()
    try {
      return statement[method](bound)
    } catch (error) {
      this.#hasLostTransaction = !this.#driver.inTransaction
      throw error
    } finally {
      this.#report(statement, text, startedAt)
    }
  }

  #statement(text: string): DriverStatement {
    const statement = this.#statements.get(text)
    if (!this.#options.readonly || statement.readonly) return statement
    throw new StatementError(
      'HANDCAR_STATEMENT_WRITES',
      'Expected a statement that reads, got one that writes',
      { details: { text } },
    )
  }

  #prepare(text: string): DriverStatement {
    refuseControl(text)
    return this.#driver.prepare(text)
  }

  #report(statement: DriverStatement, text: string, startedAt: number): void {
    const duration = performance.now() - startedAt
    const { path, slowQuery, logger } = this.#options
    if (queryEvent.hasSubscribers) queryEvent.publish({ path, text, duration, readonly: statement.readonly })
    if (duration < slowQuery) return
    const shown = text.length > longestText ? `${text.slice(0, longestText)} …` : text
    logger.warn({ path, text: shown, duration: Math.round(duration) }, 'slow query')
  }
}

/** How much of a statement the log shows, in characters. */
const longestText = 2_000

const controls =
  /^(?:[\s;]|--[^\n]*\n|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*(begin|commit|end|rollback|savepoint|release|attach|detach|vacuum|pragma)\b([^;]*)/i
/** Pragmas of the file that belong to its users, and pragmas whose argument says what to read. */
const pragmasForUsers =
  /^\s*(?:\w+\.)?(?:(?:user_version|application_id)\b|(?:table_x?info|table_list|index_list|index_x?info|foreign_key_list|foreign_key_check|integrity_check|quick_check)\s*\()/i

/** Refuses by name what would end somebody else's transaction or change the connection for everybody. */
function refuseControl(text: string): void {
  const match = controls.exec(text)
  if (match === null) return
  const [, keyword = '', rest = ''] = match
  if (/^pragma$/i.test(keyword) && (!/[=(]/.test(rest) || pragmasForUsers.test(rest))) return
  throw new StatementError(
    'HANDCAR_STATEMENT_CONTROL',
    `Expected a statement that reads or writes rows, got "${keyword.toLowerCase()}"`,
    {
      details: { text },
    },
  )
}
