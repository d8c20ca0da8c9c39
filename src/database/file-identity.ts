import { statSync, type BigIntStats } from 'node:fs'

/**
 * Tells whether a path still leads to the file to which it led at first. A database that was deleted or replaced while it is open
 * takes writes into nothing, and a replicator that goes on mixes two databases in one replica without a word.
 *
 * Only `stat`: opening and closing the file would drop every lock that this process has on it
 * (https://sqlite.org/howtocorrupt.html, §2.2).
 */
export class FileIdentity {
  readonly #path: string
  readonly #first: BigIntStats | undefined

  /** @param path Path of a file that exists. */
  constructor(path: string) {
    this.#path = path
    this.#first = statusOf(path)
  }

  /** Whether the file at the path is another one, or none. */
  hasChanged(): boolean {
    const now = statusOf(this.#path)
    return now?.ino !== this.#first?.ino || now?.dev !== this.#first?.dev
  }
}

function statusOf(path: string): BigIntStats | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })
}
