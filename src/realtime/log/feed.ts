import type { Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import { deliverEvent, epochEvent } from '../events.ts'
import { Listeners } from './listeners.ts'
import type { Log } from './log.ts'
import { Lookout } from './lookout.ts'
import { controlChannel, type Position, type StoredMessage } from './message.ts'
import { Recent } from './recent.ts'
import { SliceSize } from './slice-size.ts'

/** Gets the messages of all channels in order, each once. */
export type MessagesListener = (messages: readonly StoredMessage[]) => void
/** Is told that offsets of before mean nothing any more; the feed goes on from the position. */
export type EpochListener = (position: Position) => void
/** Is told of channels of which retention took messages before this process had read them; the next message comes after a gap. */
export type LostListener = (channels: readonly string[]) => void

/** What a feed is doing and has done. */
export interface FeedStats {
  position: Position
  /** Messages that were read since the start. */
  messages: number
  slices: number
  /** Failed attempts to read, since the start; the message of the last one while it still fails. */
  failures: number
  failing: string | undefined
  /** What is kept in memory. */
  recent: { messages: number; bytes: number; since: number }
}

/** What {@link Feed} needs. */
export interface FeedOptions {
  database: Database
  log: Log
  logger: Logger
  /** How many bytes of the latest messages are kept in memory. Default: 4 MB. */
  memory?: number
}

/**
 * Reads the log of this process, once for all channels: after each commit that may have brought messages, everything from the position
 * on that it has reached, in slices; between two of them others have their turn.
 *
 * A notice of a commit says only "look again": what counts is the position. So nothing is delivered before its commit, and what a
 * process that died has committed without a signal is found at the next notice, whatever that is of. An error never ends the feed: it
 * is logged, shown in `stats()`, and the read is tried again.
 *
 * Each read begins with the message that was read last. When the log ends before the position, or has another message there, it has
 * gone back (a backup was restored): a new epoch begins.
 */
export class Feed {
  readonly #options: FeedOptions
  readonly #log: Log
  readonly #lookout: Lookout
  readonly #messages: Listeners<readonly StoredMessage[]>
  readonly #epochs: Listeners<Position>
  readonly #losses: Listeners<readonly string[]>
  readonly #slices = new SliceSize()
  readonly #stats = { messages: 0, slices: 0 }
  #recent = new Recent(0, 0)
  #epoch = ''
  #position = 0
  #last: StoredMessage | undefined
  #pauses = 0

  constructor(options: FeedOptions) {
    const { database, log, logger } = options
    this.#options = options
    this.#log = log
    this.#messages = new Listeners(logger)
    this.#epochs = new Listeners(logger)
    this.#losses = new Listeners(logger)
    this.#lookout = new Lookout({ database, logger, look: () => this.#readSlice() })
  }

  /** Begins where the log ends now. */
  start(): void {
    this.#begin()
    this.#lookout.start()
  }

  /** Delivers nothing any more. */
  stop(): void {
    this.#lookout.stop()
  }

  /** The offset up to which everything was delivered. */
  get position(): number {
    return this.#position
  }

  /** The epoch of that. */
  get epoch(): string {
    return this.#epoch
  }

  /** Reads nothing more until what this returns is called: for who has not yet handed out what it got. */
  pause(): () => void {
    this.#pauses += 1
    return () => {
      this.#pauses -= 1
      if (this.#pauses === 0) this.#lookout.again()
    }
  }

  /** Calls a listener with all messages from now on, in slices without a gap, in order. Returns what ends it. */
  onMessages(listener: MessagesListener): () => void {
    return this.#messages.add(listener)
  }

  /** Calls a listener when a new epoch has begun. Returns what ends it. */
  onEpoch(listener: EpochListener): () => void {
    return this.#epochs.add(listener)
  }

  /**
   * Calls a listener when retention was faster than this process, which stood still or was overrun: between the `position` of that
   * moment and the messages that follow, some of these channels are missing; if the channel of controls is among them, nobody knows
   * who has which right, nor of which channels. Returns what ends it.
   */
  onLost(listener: LostListener): () => void {
    return this.#losses.add(listener)
  }

  /** The messages of a channel after an offset that were delivered already, in order: from memory, or else from the log. */
  after(channel: string, offset: number, limit: number): StoredMessage[] {
    const recent = this.#recent.after(channel, offset, limit)
    if (recent !== undefined) return recent
    return this.#log.after(channel, offset, limit).filter((message) => message.offset <= this.#position)
  }

  /** What it is doing and has done. */
  stats(): FeedStats {
    return {
      position: { epoch: this.#epoch, offset: this.#position },
      ...this.#stats,
      ...this.#lookout.stats,
      recent: { ...this.#recent.size, since: this.#recent.since },
    }
  }

  /** Reads and delivers the next messages; returns whether there are more. */
  #readSlice(): boolean {
    if (this.#pauses > 0) return false
    const startedAt = performance.now()
    const wanted = this.#slices.messages
    const { end, lost, messages } = this.#options.database.read(() => ({
      end: this.#log.position(),
      lost: this.#log.trimmedSince(this.#position),
      // The first is the one that was read last.
      messages: this.#log.from(this.#position, wanted + 1),
    }))
    const hasGoneBack = this.#hasGoneBack(end, messages[0])
    if (end.epoch !== this.#epoch) return this.#beginEpoch(end.epoch, hasGoneBack)
    if (hasGoneBack) {
      this.#log.newEpoch(this.#epoch).catch((error: unknown) => this.#lookout.failed(error))
      return false
    }
    if (messages[0]?.offset === this.#position) messages.shift()
    if (lost.length > 0) this.#losses.tell(lost === 'unknown' ? [controlChannel] : lost)
    if (messages.length === 0) return false
    if (messages.length >= wanted) this.#slices.adapt(performance.now() - startedAt)
    this.#deliver(messages)
    const duration = performance.now() - startedAt
    if (deliverEvent.hasSubscribers)
      deliverEvent.publish({ messages: messages.length, duration, position: this.#position })
    return this.#position < end.offset
  }

  #hasGoneBack(end: Position, first: StoredMessage | undefined): boolean {
    if (end.offset < this.#position) return true
    if (first?.offset !== this.#position || this.#last === undefined) return false
    return first.createdAt !== this.#last.createdAt || first.channel !== this.#last.channel
  }

  #deliver(messages: readonly StoredMessage[]): void {
    this.#last = messages.at(-1)!
    this.#position = this.#last.offset
    for (const message of messages) this.#recent.add(message)
    this.#stats.messages += messages.length
    this.#stats.slices += 1
    this.#messages.tell(messages)
  }

  /** What can still be read is delivered after it, for the sake of rights that were taken away there. */
  #beginEpoch(epoch: string, hasGoneBack: boolean): boolean {
    if (hasGoneBack) this.#begin()
    else this.#epoch = epoch
    const position = { epoch: this.#epoch, offset: this.#position }
    this.#options.logger.warn(
      { ...position },
      'the log of realtime has a new epoch: clients read their state anew',
    )
    epochEvent.publish({ epoch: this.#epoch, position: this.#position })
    this.#epochs.tell(position)
    return true
  }

  #begin(): void {
    const { database, memory = 4 * 1_048_576 } = this.#options
    database.read(() => {
      const { epoch, offset } = this.#log.position()
      this.#epoch = epoch
      this.#position = offset
      this.#last = this.#log.latest(offset, 1)[0]
      this.#recent = Recent.load(this.#log, memory, offset)
    })
  }
}
