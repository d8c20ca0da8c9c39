import { longestTimer, StateError, TimeoutError } from '../core/index.ts'
import type { ResolvedReaderOptions } from './options.ts'
import { checkParameters, type SqlParameters } from './parameters.ts'
import type { Pragmas } from './pragmas.ts'
import { ReaderChild, type Patience } from './reader-child.ts'

/** How a reader process opens the database. */
export interface ReaderConnection {
  path: string
  extensions: string[]
  /** Pragmas beside handcar's own. */
  pragmas: Pragmas
}

/** What the pool is doing. */
export interface ReaderPoolStats {
  /** Reader processes that exist. */
  processes: number
  /** Queries and iterations that run. */
  running: number
  /** Queries and iterations that wait for a process. */
  waiting: number
}

/**
 * A few processes for queries that may be slow. They are started when they are needed, reused, and ended when they were
 * idle for a while.
 */
export class ReaderPool {
  readonly #connection: ReaderConnection
  readonly #options: ResolvedReaderOptions
  readonly #idle: ReaderChild[] = []
  readonly #busy = new Set<ReaderChild>()
  readonly #waiting = new Set<() => void>()
  #retirement: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(connection: ReaderConnection, options: ResolvedReaderOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** Time limit of a query that names none, in milliseconds. */
  get defaultTimeout(): number {
    return this.#options.timeout
  }

  /** All rows of a query, as objects. */
  async all(text: string, parameters: SqlParameters, patience: Patience): Promise<unknown[]> {
    const bound = checkParameters(parameters)
    const child = await this.#take(patience)
    try {
      const { columns, rows } = await child.ask({ kind: 'all', text, parameters: bound }, patience)
      return rows.map((row) => toObject(columns, row))
    } finally {
      this.#give(child)
    }
  }

  /**
   * The rows of a query one by one, fetched in pages. Nothing but disk space in the reader process is held while the
   * caller works on a page.
   *
   * @param timeout Time limit of the query itself and of each page, in milliseconds.
   */
  async *iterate(
    text: string,
    parameters: SqlParameters,
    pageSize: number,
    timeout: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<unknown, void, void> {
    const patience = (): Patience => ({ deadline: performance.now() + timeout, signal })
    const bound = checkParameters(parameters)
    const child = await this.#take(patience())
    try {
      await child.ask({ kind: 'spool', text, parameters: bound }, patience())
      for (let after = 0; ; after += pageSize) {
        const { columns, rows } = await child.ask({ kind: 'page', after, limit: pageSize }, patience())
        for (const row of rows) yield toObject(columns, row)
        if (rows.length < pageSize) return
      }
    } finally {
      if (!child.isDead) await child.ask({ kind: 'drop' }, patience()).catch(() => {})
      this.#give(child)
    }
  }

  /** What the pool is doing. */
  stats(): ReaderPoolStats {
    return {
      processes: this.#idle.length + this.#busy.size,
      running: this.#busy.size,
      waiting: this.#waiting.size,
    }
  }

  /** Ends all processes; queries that run fail. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#retirement)
    for (const child of [...this.#idle.splice(0), ...this.#busy]) child.kill(stopped('ran'))
    for (const wake of this.#waiting) wake()
  }

  async #take(patience: Patience): Promise<ReaderChild> {
    while (true) {
      if (this.#isClosed) throw stopped('waited')
      if (patience.signal?.aborted) throw patience.signal.reason
      const child = this.#idle.pop()
      if (child && !child.isDead) return this.#mark(child)
      if (!child && this.#busy.size < this.#options.processes) return this.#open(patience)
      if (!child) await this.#wait(patience)
    }
  }

  async #open(patience: Patience): Promise<ReaderChild> {
    const child = this.#mark(new ReaderChild())
    try {
      await child.ask({ kind: 'open', ...this.#connection }, patience)
      return child
    } catch (error) {
      child.kill()
      this.#give(child)
      throw error
    }
  }

  #mark(child: ReaderChild): ReaderChild {
    this.#busy.add(child)
    return child
  }

  #give(child: ReaderChild): void {
    this.#busy.delete(child)
    if (!child.isDead && !this.#isClosed) this.#idle.push(child)
    const [wake] = this.#waiting
    wake?.()
    this.#retireLater()
  }

  #retireLater(): void {
    clearTimeout(this.#retirement)
    this.#retirement = setTimeout(
      () => this.#idle.splice(0).forEach((child) => child.kill()),
      Math.min(this.#options.idleTimeout, longestTimer),
    )
    this.#retirement.unref()
  }

  #wait({ deadline, signal }: Patience): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        if (performance.now() < deadline) resolve()
        else reject(noProcess())
      }
      const patience = Math.max(0, deadline - performance.now()) + 1
      const timer = setTimeout(wake, Math.min(patience, longestTimer))
      signal?.addEventListener('abort', wake, { once: true })
      this.#waiting.add(wake)
    })
  }
}

function stopped(doing: 'waited' | 'ran'): StateError {
  return new StateError('HANDCAR_STOPPED', `The database was stopped while this query ${doing}`)
}

function noProcess(): TimeoutError {
  return new TimeoutError('HANDCAR_QUERY_TIMEOUT', 'A query waited for a reader process until its time limit')
}

function toObject(columns: readonly string[], row: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (let index = 0; index < columns.length; index++) object[columns[index]!] = row[index]
  return object
}
