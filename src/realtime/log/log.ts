import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/index.ts'
import { SharedWrite, type Database, type Transaction } from '../../database/index.ts'
import * as sql from '../sql.ts'
import type { Position, StoredMessage } from './message.ts'
import { originOfNow } from './origin.ts'

/** The topic that commits with messages have. */
export const topic = 'handcar.realtime'

/** How many offsets are left out after a start of the machine: more than can be committed between two syncs. */
const skipped = 10_000_000

interface NewMessage {
  readonly channel: string
  readonly type: string
  readonly data: string
}

interface Reach {
  epoch: string
  floor: number
  highest: number
  trimmed: number
}

/**
 * The messages, as rows of the app's file: a publish is part of the transaction that it is called in, and the order of offsets is the
 * order of commits, because one writer writes at a time.
 *
 * After a crash: what was committed is there, and each process finds it from the position up to which it has read.
 */
export class Log {
  readonly #database: Database
  readonly #clock: Clock
  readonly #alone: SharedWrite<NewMessage, number>

  constructor({ database, clock }: { database: Database; clock: Clock }) {
    this.#database = database
    this.#clock = clock
    this.#alone = new SharedWrite(
      database,
      (tx, messages) => messages.map((message) => this.#insert(tx, message)),
      { label: 'handcar.realtime.publish' },
    )
  }

  /**
   * Looks whether the log is where it was. In another file, restored from a backup or copied, it begins a new epoch. After a start of the
   * machine it leaves offsets out: what was committed just before a power cut may have been read by somebody and not be on the disk,
   * and its offsets must not be given again.
   */
  async open(): Promise<void> {
    const now = await originOfNow(this.#database.path)
    const known = () => this.#database.get<{ file: string | null; boot: string | null }>(sql.selectOrigin)!
    const isSame = (before: ReturnType<typeof known>) => before.file === now.file && before.boot === now.boot
    if (isSame(known())) return
    await this.#database.write(
      async (tx) => {
        // Another process may have been quicker.
        const before = known()
        if (isSame(before)) return
        tx.run(sql.updateOrigin, [now.file, now.boot])
        if (before.file === null) return
        if (before.file === now.file) tx.run(sql.skipOffsets, [skipped, this.#clock.now()])
        else await this.newEpoch()
      },
      { label: 'handcar.realtime.open' },
    )
  }

  /**
   * Adds a message. Inside a body of `database.write` it is inserted at once, as part of that; elsewhere in a write that it shares with
   * the other messages of the same turn. Resolves with its offset once that is committed; what fails inside a body throws at once.
   *
   * @param data JSON.
   */
  publish(channel: string, type: string, data: string): Promise<number> {
    const message = { channel, type, data }
    const tx = this.#database.transaction
    return tx === undefined ? this.#alone.write(message) : Promise.resolve(this.#insert(tx, message))
  }

  /** Where the log ends: inside a body of `database.read` or `database.write`, for what that sees. */
  position(): Position {
    return this.#database.get<Position>(sql.selectPosition)!
  }

  /** The epoch of now; changes when the log has gone back. */
  get epoch(): string {
    return this.position().epoch
  }

  /** The messages of a channel after an offset, in order. */
  after(channel: string, offset: number, limit: number): StoredMessage[] {
    return this.#database.all<StoredMessage>(sql.selectAfter, [channel, offset, limit])
  }

  /** The latest messages of a channel before an offset, in order. */
  before(channel: string, offset: number, limit: number): StoredMessage[] {
    return this.#database.all<StoredMessage>(sql.selectBefore, [channel, offset, limit]).toReversed()
  }

  /** The last message of a channel; `undefined` when it has none. */
  last(channel: string): StoredMessage | undefined {
    return this.before(channel, Number.MAX_SAFE_INTEGER, 1)[0]
  }

  /**
   * The channels of which retention has taken messages after an offset; `'unknown'` where it was so long ago that nobody remembers of
   * which.
   */
  trimmedSince(offset: number): string[] | 'unknown' {
    const highest = this.#database.get<{ floor: number; offset: number }>(sql.selectHighestTrimmed)!
    if (highest.floor > offset) return 'unknown'
    if (highest.offset <= offset) return []
    return this.#database
      .all<{ channel: string }>(sql.selectTrimmedSince, [offset])
      .map(({ channel }) => channel)
  }

  /** The messages of all channels from an offset on, in order. */
  from(offset: number, limit: number): StoredMessage[] {
    return this.#database.all<StoredMessage>(sql.selectFrom, [offset, limit])
  }

  /** The latest messages of all channels up to an offset, the latest first. */
  latest(upTo: number, limit: number): StoredMessage[] {
    return this.#database.all<StoredMessage>(sql.selectLatest, [upTo, limit])
  }

  /**
   * Whether everything is still there that came after a position of a channel: `'gap'` when the position is of another epoch, when
   * retention has taken something after it, or when the log does not reach it.
   */
  checkResume(channel: string, { epoch, offset }: Position): 'ok' | 'gap' {
    const reach = this.#database.get<Reach>(sql.selectReach, [channel])!
    const isThere = offset >= reach.floor && offset >= reach.trimmed && offset <= reach.highest
    return epoch === reach.epoch && isThere ? 'ok' : 'gap'
  }

  /**
   * Begins a new epoch, so that every position of before is a gap. Joins the open transaction.
   *
   * @param known Only if this is still the epoch. Default: whatever it is.
   */
  async newEpoch(known?: string): Promise<void> {
    const epoch = randomBytes(8).toString('hex')
    await this.#database.write(
      (tx) => {
        tx.run(sql.replaceEpoch, { epoch, known: known ?? this.epoch })
        tx.touch(topic)
      },
      { label: 'handcar.realtime.epoch' },
    )
  }

  #insert(tx: Transaction, { channel, type, data }: NewMessage): number {
    const { lastInsertRowid } = tx.run(sql.insertMessage, [channel, type, data, this.#clock.now()])
    tx.touch(topic)
    return Number(lastInsertRowid)
  }
}
