import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from '../../core/index.ts'
import type { CommitNotice, Database } from '../../database/index.ts'
import { deliverEvent, epochEvent, errorEvent } from '../events.ts'
import { topic, type Log } from './log.ts'
import type { Position, StoredMessage } from './message.ts'
import { Recent } from './recent.ts'
import { Retry } from './retry.ts'
import { SliceSize } from './slice-size.ts'

/** After a commit that names nothing of ours it is looked within this time, in milliseconds. */
const unnamed = 50

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
  readonly #database: Database
  readonly #log: Log
  readonly #logger: Logger
  readonly #memory: number
  readonly #messages = new Set<MessagesListener>()
  readonly #epochs = new Set<EpochListener>()
  readonly #losses = new Set<LostListener>()
  readonly #slices = new SliceSize()
  readonly #retry = new Retry()
  readonly #stats = { messages: 0, slices: 0, failures: 0 }
  #recent = new Recent(0, 0)
  #epoch = ''
  #last: StoredMessage | undefined
  #position = 0
  #unlisten: (() => void) | undefined
  #enter = AsyncLocalStorage.snapshot()
  #isDue = false
  #laterLook: NodeJS.Timeout | undefined

  constructor({ database, log, logger, memory = 4 * 1_048_576 }: FeedOptions) {
    this.#database = database
    this.#log = log
    this.#logger = logger
    this.#memory = memory
  }

  /** Begins where the log ends now. */
  start(): void {
    // The listener is called in the context of whoever commits; what it starts must not belong to that.
    this.#enter = AsyncLocalStorage.snapshot()
    this.#restart()
    this.#unlisten = this.#database.onCommit((notice) => this.#enter(() => this.#noticed(notice)))
  }

  /** Delivers nothing any more. */
  stop(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#retry.stop()
    clearTimeout(this.#laterLook)
    this.#laterLook = undefined
  }

  /** The offset up to which everything was delivered. */
  get position(): number {
    return this.#position
  }

  /** The epoch of that. */
  get epoch(): string {
    return this.#epoch
  }

  /** Calls a listener with all messages from now on, in slices without a gap, in order. Returns what ends it. */
  onMessages(listener: MessagesListener): () => void {
    this.#messages.add(listener)
    return () => void this.#messages.delete(listener)
  }

  /** Calls a listener when a new epoch has begun. Returns what ends it. */
  onEpoch(listener: EpochListener): () => void {
    this.#epochs.add(listener)
    return () => void this.#epochs.delete(listener)
  }

  /**
   * Calls a listener when retention was faster than this process, which stood still or was overrun: between the `position` of that
   * moment and the messages that follow, some of these channels are missing. Returns what ends it.
   */
  onLost(listener: LostListener): () => void {
    this.#losses.add(listener)
    return () => void this.#losses.delete(listener)
  }

  /** The messages of a channel after an offset that were delivered already, in order: from memory, or else from the log. */
  after(channel: string, offset: number, limit: number): StoredMessage[] {
    const recent = this.#recent.after(channel, offset, limit)
    if (recent !== undefined) return recent
    return this.#log.after(channel, offset, limit).filter((message) => message.offset <= this.#position)
  }

  stats(): FeedStats {
    return {
      position: { epoch: this.#epoch, offset: this.#position },
      ...this.#stats,
      failing: this.#retry.error,
      recent: { ...this.#recent.size, since: this.#recent.since },
    }
  }

  #noticed({ origin, topics }: CommitNotice): void {
    if (origin !== 'here' || topics === undefined || topics.has(topic)) this.#look()
    // Somebody may have inserted a message with SQL of their own, which touches no topic.
    else this.#laterLook ??= setTimeout(() => this.#look(), unnamed).unref()
  }

  #look(): void {
    clearTimeout(this.#laterLook)
    this.#laterLook = undefined
    if (this.#isDue || this.#retry.isWaiting || this.#unlisten === undefined) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      if (this.#unlisten !== undefined) this.#try()
    })
  }

  #try(): void {
    try {
      const isMore = this.#readSlice()
      this.#retry.succeeded()
      if (isMore) this.#look()
    } catch (error) {
      this.#stats.failures += 1
      this.#logger.error({ error: String(error) }, 'the feed of realtime failed and tries again')
      errorEvent.publish({ during: 'feed', error })
      this.#retry.failed(error, () => this.#look())
    }
  }

  /** Reads and delivers the next messages; returns whether there are more. */
  #readSlice(): boolean {
    const startedAt = performance.now()
    const wanted = this.#slices.messages
    const { end, lost, messages } = this.#database.read(() => ({
      end: this.#log.position(),
      lost: this.#log.trimmedSince(this.#position),
      // The first is the one that was read last.
      messages: this.#log.from(this.#position, wanted + 1),
    }))
    if (end.epoch !== this.#epoch) return this.#beginEpoch(end)
    if (this.#hasGoneBack(end, messages[0])) {
      this.#log.newEpoch(this.#epoch).catch((error: unknown) => this.#retry.failed(error, () => this.#look()))
      return false
    }
    if (messages[0]?.offset === this.#position) messages.shift()
    if (lost.length > 0) for (const listener of this.#losses) this.#call(() => listener(lost))
    if (messages.length === 0) return false
    this.#deliver(messages)
    const duration = performance.now() - startedAt
    if (messages.length >= wanted) this.#slices.adapt(duration)
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
    for (const listener of this.#messages) this.#call(() => listener(messages))
  }

  #beginEpoch(position: Position): boolean {
    this.#restart()
    this.#logger.warn({ ...position }, 'the log of realtime has a new epoch: clients read their state anew')
    epochEvent.publish({ epoch: this.#epoch, position: this.#position })
    for (const listener of this.#epochs)
      this.#call(() => listener({ epoch: this.#epoch, offset: this.#position }))
    return true
  }

  #restart(): void {
    this.#database.read(() => {
      const { epoch, offset } = this.#log.position()
      this.#epoch = epoch
      this.#position = offset
      this.#last = this.#log.latest(offset, 1)[0]
      this.#recent = Recent.load(this.#log, this.#memory, offset)
    })
  }

  /** A listener that throws takes nothing from the others, nor from itself later. */
  #call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#logger.error({ error: String(error) }, 'a listener of realtime messages failed')
      errorEvent.publish({ during: 'listener', error })
    }
  }
}
