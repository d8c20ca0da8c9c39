import { CompiledQuery, type Driver } from 'kysely'
import { NaiveConnection } from './connection.ts'
import type { NaiveMode } from './modes.ts'

/**
 * A pool of connections, as Rails keeps one for each thread: while one connection waits to be let in, the others go on. A
 * connection is taken for each query or transaction; a new one is opened when all are taken.
 */
export class NaiveDriver implements Driver {
  readonly #path: string
  readonly #mode: NaiveMode
  readonly #all: NaiveConnection[] = []
  readonly #idle: NaiveConnection[] = []

  constructor(path: string, mode: NaiveMode) {
    this.#path = path
    this.#mode = mode
  }

  async init(): Promise<void> {
    this.#idle.push(this.#open())
  }

  async acquireConnection(): Promise<NaiveConnection> {
    return this.#idle.pop() ?? this.#open()
  }

  async releaseConnection(connection: NaiveConnection): Promise<void> {
    this.#idle.push(connection)
  }

  async beginTransaction(connection: NaiveConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.#mode.begin))
  }

  async commitTransaction(connection: NaiveConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: NaiveConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async destroy(): Promise<void> {
    for (const connection of this.#all) connection.close()
  }

  #open(): NaiveConnection {
    const connection = new NaiveConnection(this.#path, this.#mode)
    this.#all.push(connection)
    return connection
  }
}
