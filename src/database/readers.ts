import { isPromise } from '../core/index.ts'
import type { Connection } from './connection.ts'
import { ReadTransaction, type TransactionContext } from './transaction.ts'
import { withinTurn } from './turn.ts'

/**
 * Reads on the main thread: a point read takes a few microseconds, less than handing it to anybody else. Single
 * statements share one connection; a `read()` body has one of its own while it runs, so that its snapshot is nobody
 * else's.
 */
export class Readers {
  /** The connection of single statements. */
  readonly shared: Connection
  readonly #open: () => Connection
  readonly #context: TransactionContext
  readonly #idle: Connection[] = []
  readonly #all: Connection[] = []

  /** @param open Opens one more read-only connection. */
  constructor(open: () => Connection, context: TransactionContext) {
    this.#open = open
    this.#context = context
    this.shared = open()
  }

  /** Runs a body over one state of the database. The body is bound to this turn of the event loop. */
  read<Result>(body: (tx: ReadTransaction) => Result): Result {
    const connection = this.#idle.pop() ?? this.#openOne()
    const tx = new ReadTransaction(connection, this.#context)
    const end = (outcome: 'committed' | 'rolled back'): void => {
      tx.end(outcome)
      connection.control('commit')
      this.#idle.push(connection)
    }
    connection.control('begin')
    let result: Result
    try {
      result = this.#context.run(tx, body, tx)
    } catch (error) {
      end('rolled back')
      throw error
    }
    if (!isPromise(result)) {
      end('committed')
      return result
    }
    return withinTurn(result, `read() ${body.name}`).then(
      (value) => {
        end('committed')
        return value
      },
      (error: unknown) => {
        end('rolled back')
        throw error
      },
    ) as Result
  }

  /** Closes every connection. */
  close(): void {
    this.shared.close()
    for (const connection of this.#all) connection.close()
  }

  #openOne(): Connection {
    const connection = this.#open()
    this.#all.push(connection)
    return connection
  }
}
