import { StateError, systemClock } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import { Log } from '../log/log.ts'
import type { StoredMessage } from '../log/message.ts'
import { formatPosition, type PositionText } from '../protocol.ts'
import { selectTables } from '../sql.ts'
import * as sql from './sql.ts'

/** What the log holds. */
export interface LogTotals {
  messages: number
  /** Offset of the oldest message that is kept; 0 when there is none. */
  first: number
  /** When that was published, in milliseconds since 1970. */
  oldest: number | null
  /** Where the log ends. */
  position: PositionText
  /** Of a channel of which nothing else is known, messages below this offset may be gone. */
  floor: number
  /** How many are present, over all channels. */
  present: number
}

/** A channel that has messages, or in which somebody is. */
export interface ChannelSummary {
  channel: string
  messages: number
  /** Offset of the last message; `null` when there is none. */
  last: number | null
  /** When that was published, in milliseconds since 1970. */
  lastAt: number | null
  present: number
}

/** Somebody who is present in a channel. */
export interface PresentEntry {
  channel: string
  user: string
  connection: string
  metadata: unknown
  /** Milliseconds since 1970. */
  joinedAt: number
  /** Machine and process that have the connection; `null` when that process has stopped. */
  process: string | null
}

/** Which channels are meant. */
export interface ChannelsPage {
  /** Those whose names begin with it. */
  prefix: string
  /** Those that come after it. */
  after: string
  limit: number
}

/** Looks at the tables of realtime from outside, also where nothing may be written: what tools show. */
export class RealtimeInspector {
  readonly #database: Database
  readonly #log: Log

  /**
   * @param database Started; may be read-only.
   * @throws StateError `HANDCAR_REALTIME_TABLES`
   */
  constructor(database: Database) {
    if (database.get(selectTables) === undefined)
      throw new StateError(
        'HANDCAR_REALTIME_TABLES',
        `The database ${database.path} has no tables for realtime`,
      )
    this.#database = database
    this.#log = new Log({ database, clock: systemClock })
  }

  /** What the log holds. */
  totals(): LogTotals {
    const { messages, first, oldest, floor, present } = this.#database.get<LogTotals>(sql.selectTotals)!
    return { messages, first, oldest, position: formatPosition(this.#log.position()), floor, present }
  }

  /** Channels by name, with what is kept of them and how many are there. */
  channels({ prefix, after, limit }: ChannelsPage): ChannelSummary[] {
    const page = { prefix, after, limit }
    const withMessages = this.#database.all<{ channel: string }>(sql.selectChannels, page)
    const present = new Map(
      this.#database
        .all<{ channel: string; present: number }>(sql.countPresent, { ...page, now: systemClock.now() })
        .map((each) => [each.channel, each.present]),
    )
    const names = new Set([...withMessages.map(({ channel }) => channel), ...present.keys()])
    const sorted = [...names].sort((one, other) => Buffer.from(one).compare(Buffer.from(other)))
    return sorted.slice(0, limit).map((channel) => this.#summary(channel, present.get(channel) ?? 0))
  }

  /** Who is present, in one channel or in all. */
  present({ channel, limit }: { channel: string | undefined; limit: number }): PresentEntry[] {
    const now = systemClock.now()
    const rows =
      channel === undefined
        ? this.#database.all<PresentEntry>(sql.selectPresent, { now, limit })
        : this.#database.all<PresentEntry>(sql.selectPresentIn, { channel, now, limit })
    return rows.map(({ metadata, ...row }) => ({
      ...row,
      metadata: JSON.parse(metadata as string) as unknown,
    }))
  }

  /** Where the log ends. */
  position(): { epoch: string; offset: number } {
    return this.#log.position()
  }

  /** The latest messages of a channel, or of all, in order. */
  latest(channel: string | undefined, limit: number): readonly StoredMessage[] {
    const end = Number.MAX_SAFE_INTEGER
    return channel === undefined
      ? this.#log.latest(end, limit).toReversed()
      : this.#log.before(channel, end, limit)
  }

  /** The messages of a channel, or of all, after an offset, in order. */
  after(channel: string | undefined, offset: number, limit: number): readonly StoredMessage[] {
    return channel === undefined ? this.#log.from(offset + 1, limit) : this.#log.after(channel, offset, limit)
  }

  #summary(channel: string, present: number): ChannelSummary {
    const { messages, last } = this.#database.get<{ messages: number; last: number | null }>(
      sql.selectChannel,
      [channel],
    )!
    const row =
      last === null ? undefined : this.#database.get<{ createdAt: number }>(sql.selectCreatedAt, [last])
    return { channel, messages, last, lastAt: row?.createdAt ?? null, present }
  }
}
