import { AsyncLocalStorage } from 'node:async_hooks'
import { setDelay, type Clock, type Logger } from '../../core/index.ts'
import { FileLock, type Database } from '../../database/index.ts'
import type { Channels } from '../channels/channels.ts'
import { reservedRetention } from '../channels/reserved.ts'
import type { ResolvedRetention } from '../channels/retention.ts'
import { errorEvent, trimEvent, type TrimMessage } from '../events.ts'
import type { Feed } from './feed.ts'
import { foldTrimmed, forgetReceipts } from './trim-leftovers.ts'
import { Slices } from './slices.ts'
import { Tallies } from './tallies.ts'
import { hasSurplus, trimChannel, type Keep } from './trim-channel.ts'

/** How often it is looked for what can go, in milliseconds; each process adds up to half of it. */
const interval = 60_000
/** How long it is remembered that a message of a client was handled, in milliseconds. */
const receiptAge = 86_400_000

/** What {@link Trimmer} needs. */
export interface TrimmerOptions {
  database: Database
  feed: Feed
  channels: Channels
  /** What is kept of a channel that says nothing else. */
  retention: ResolvedRetention
  clock: Clock
  logger: Logger
}

/** What retention is doing and has done in this process. */
export interface TrimmerStats {
  /** Whether this process is the one that does it. */
  isActive: boolean
  /** Channels that have messages, where it is known. */
  channels: number
  /** Messages that were deleted since the start. */
  trimmed: number
}

/**
 * Retention: deletes what is too old or too much of each channel, in writes of a few milliseconds, never in the way of who publishes.
 *
 * One process does it, whichever comes first: it holds a lock that is free at once when it ends. It counts the log once and then keeps
 * count of what is published (`tallies.ts`), so that a look reads nothing, and nothing is written where nothing is to go.
 *
 * After a crash: each write deletes messages and remembers that they are gone, both or neither. What was left is found by the next
 * process, which counts anew.
 */
export class Trimmer {
  readonly #options: TrimmerOptions
  readonly #keeps = new Map<string, Keep>()
  #stopping = new AbortController()
  #endTimer: (() => void) | undefined
  #lock: FileLock | undefined
  #tallies: Tallies | undefined
  #offs: (() => void)[] = []
  #running: Promise<TrimMessage> | undefined
  #enter: <Result>(work: () => Result) => Result = (work) => work()
  #trimmed = 0

  constructor(options: TrimmerOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopping = new AbortController()
    this.#enter = AsyncLocalStorage.snapshot()
    this.#arm()
  }

  /** Ends after the write that runs. */
  async stop(): Promise<void> {
    this.#endTimer?.()
    this.#endTimer = undefined
    this.#stopping.abort()
    await this.#running?.catch(() => {})
    this.#forget()
    this.#lock?.[Symbol.dispose]()
    this.#lock = undefined
  }

  /** Deletes what can go, now, whichever process does it usually. Resolves with how much it was. */
  async trim(): Promise<TrimMessage> {
    while (this.#running !== undefined) await this.#running.catch(() => {})
    return await this.#run()
  }

  /** What it has done since the start. */
  stats(): TrimmerStats {
    return {
      isActive: this.#lock !== undefined,
      channels: this.#tallies?.size ?? 0,
      trimmed: this.#trimmed,
    }
  }

  #arm(): void {
    const look = (): void => this.#enter(() => void this.#look())
    this.#endTimer = setDelay(this.#options.clock, look, Math.ceil(interval * (1 + Math.random() / 2)))
  }

  async #look(): Promise<void> {
    try {
      this.#lock ??= FileLock.acquire(`${this.#options.database.path}.trimmer`)
      if (this.#lock !== undefined && this.#running === undefined) await this.#run()
    } catch (error) {
      if (!this.#stopping.signal.aborted) {
        this.#options.logger.warn({ error: String(error) }, 'old messages could not be deleted')
        errorEvent.publish({ during: 'trim', error })
      }
    }
    if (!this.#stopping.signal.aborted) this.#arm()
  }

  #run(): Promise<TrimMessage> {
    const slices = new Slices(this.#options.database, this.#stopping.signal)
    this.#running = this.#trim(slices)
      .catch((error: unknown) => {
        // The count may be ahead of what was rolled back.
        this.#forget()
        throw error
      })
      .finally(() => (this.#running = undefined))
    return this.#running
  }

  async #trim(slices: Slices): Promise<TrimMessage> {
    const { clock, database, feed } = this.#options
    const report: TrimMessage = { messages: 0, channels: 0 }
    const now = clock.now()
    const tallies = await this.#count()
    for (const [channel, tally] of tallies) {
      // The highest offset of the log stays.
      if (tally.first >= feed.position || !hasSurplus(tally, this.#keepOf(channel), now)) continue
      const went = await this.#trimChannel(slices, tallies, channel, now)
      report.messages += went
      if (went > 0) report.channels += 1
    }
    while (!slices.isOver && (await foldTrimmed(database, slices, now)));
    await forgetReceipts(database, slices, now - receiptAge)
    // Without the lock others delete too, and the count would not hold.
    if (this.#lock === undefined) this.#forget()
    if (report.messages > 0 && trimEvent.hasSubscribers) trimEvent.publish(report)
    this.#trimmed += report.messages
    return report
  }

  async #trimChannel(slices: Slices, tallies: Tallies, channel: string, now: number): Promise<number> {
    const keep = this.#keepOf(channel)
    const tally = tallies.check(channel, this.#options.feed.position)
    let went = 0
    for (let slice = 1; slice > 0 && !slices.isOver && hasSurplus(tally, keep, now); went += slice)
      slice = await slices.write((tx, most) => trimChannel(tx, channel, tally, keep, now, most))
    if (tally.count === 0) {
      tallies.delete(channel)
      this.#keeps.delete(channel)
    }
    return went
  }

  /** What every channel has: counted, or known. */
  async #count(): Promise<Tallies> {
    if (this.#tallies !== undefined) return this.#tallies
    const { database, feed } = this.#options
    const tallies = new Tallies(database)
    const upTo = feed.position
    this.#offs = [feed.onMessages((messages) => tallies.add(messages)), feed.onEpoch(() => this.#forget())]
    this.#tallies = tallies
    await tallies.load(upTo, this.#stopping.signal)
    return tallies
  }

  #forget(): void {
    for (const off of this.#offs.splice(0)) off()
    this.#tallies = undefined
    this.#keeps.clear()
  }

  #keepOf(channel: string): Keep {
    const known = this.#keeps.get(channel)
    if (known !== undefined) return known
    const { channels, retention } = this.#options
    const definition = channels.match(channel)?.definition
    const own = reservedRetention(channel) ?? definition?.retention
    const keep = { ...retention, ...own, last: definition?.replay === 'latest' }
    this.#keeps.set(channel, keep)
    return keep
  }
}
