import type { Database } from '../../database/index.ts'
import type { StoredMessage } from './message.ts'
import { measureChannel, selectOldestOf, selectSizes } from './trim-sql.ts'

/** What a channel has in the log. */
export interface Tally {
  count: number
  bytes: number
  /** Offset of the oldest message. */
  first: number
  /** When that was published. */
  oldestAt: number
}

/** A message as far as retention looks at it. */
export interface Sized {
  readonly offset: number
  readonly bytes: number
  readonly createdAt: number
}

const atOnce = 1_000

/**
 * How much each channel has in the log: counted once, and then kept up with what is published, so that a look for what can go reads
 * nothing. Somebody else may delete messages too; where the oldest is not the expected one, the channel is counted anew.
 */
export class Tallies {
  readonly #database: Database
  readonly #channels = new Map<string, Tally>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Counts the log up to an offset, in pieces; others have their turn between two of them. */
  async load(upTo: number, signal: AbortSignal): Promise<void> {
    for (let after = 0; !signal.aborted;) {
      const rows = this.#database.all<Sized & { channel: string }>(selectSizes, [after, upTo, atOnce])
      for (const { channel, ...sized } of rows) this.#add(channel, sized)
      if (rows.length < atOnce) return
      after = rows.at(-1)!.offset
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Adds messages that were published. */
  add(messages: readonly StoredMessage[]): void {
    for (const { channel, offset, data, createdAt } of messages)
      this.#add(channel, { offset, bytes: Buffer.byteLength(data), createdAt })
  }

  /** The channels and what they have. */
  [Symbol.iterator](): IterableIterator<[string, Tally]> {
    return this.#channels.entries()
  }

  get size(): number {
    return this.#channels.size
  }

  /**
   * What a channel has; counted anew where its oldest message is not the one that was expected.
   *
   * @param upTo Offset up to which messages were added; the rest is still to come.
   */
  check(channel: string, upTo: number): Tally {
    const tally = this.#channels.get(channel)!
    const oldest = this.#database.get<{ offset: number }>(selectOldestOf, [channel])
    if (oldest?.offset !== tally.first)
      Object.assign(tally, this.#database.get<Partial<Tally>>(measureChannel, [channel, upTo]))
    return tally
  }

  /** Forgets a channel that has nothing. */
  delete(channel: string): void {
    this.#channels.delete(channel)
  }

  #add(channel: string, { offset, bytes, createdAt }: Sized): void {
    const tally = this.#channels.get(channel)
    if (tally === undefined) {
      this.#channels.set(channel, { count: 1, bytes, first: offset, oldestAt: createdAt })
      return
    }
    tally.count += 1
    tally.bytes += bytes
    if (offset >= tally.first) return
    tally.first = offset
    tally.oldestAt = createdAt
  }
}
