import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from '../../core/index.ts'
import type { CommitNotice, Database } from '../../database/index.ts'
import { errorEvent } from '../events.ts'
import { topic } from './log.ts'
import { Retry } from './retry.ts'

/** After a commit that names nothing of ours it is looked within this time, in milliseconds. */
const unnamed = 50

/** What {@link Lookout} needs. */
export interface LookoutOptions {
  database: Database
  logger: Logger
  /** Reads and delivers a piece of what is new; returns whether there is more. */
  look: () => boolean
}

/**
 * Looks for messages after each commit that may have brought some, any number of commits at once, and goes on while there are more; others
 * have their turn in between. An error never ends it: it is logged, shown, and the look is tried again, after a pause that grows.
 */
export class Lookout {
  readonly #options: LookoutOptions
  readonly #retry = new Retry()
  #unlisten: (() => void) | undefined
  #later: NodeJS.Timeout | undefined
  #isDue = false
  #failures = 0

  constructor(options: LookoutOptions) {
    this.#options = options
  }

  /** How often it failed; why, while it still does. */
  get stats(): { failures: number; failing: string | undefined } {
    return { failures: this.#failures, failing: this.#retry.error }
  }

  start(): void {
    // The listener is called in the context of whoever commits; what it starts must not belong to that.
    const enter = AsyncLocalStorage.snapshot()
    this.#unlisten ??= this.#options.database.onCommit((notice) => enter(() => this.#noticed(notice)))
  }

  stop(): void {
    this.#unlisten?.()
    this.#unlisten = undefined
    this.#retry.stop()
    clearTimeout(this.#later)
    this.#later = undefined
  }

  /** To be told that there may be something that no commit tells of. */
  again(): void {
    this.#lookSoon()
  }

  /** To be told that something went wrong after a look; it looks again. */
  failed(error: unknown): void {
    if (this.#unlisten === undefined) return
    this.#failures += 1
    this.#options.logger.error({ error: String(error) }, 'the feed of realtime failed and tries again')
    errorEvent.publish({ during: 'feed', error })
    this.#retry.failed(error, () => this.#lookSoon())
  }

  #noticed({ origin, topics }: CommitNotice): void {
    // A commit of ours is still being answered; that of another process was told in a turn of its own.
    if (origin === 'elsewhere') this.#lookNow()
    else if (origin !== 'here' || topics === undefined || topics.has(topic)) this.#lookSoon()
    // Somebody may have inserted a message with SQL of their own, which touches no topic.
    else this.#later ??= setTimeout(() => this.#lookSoon(), unnamed).unref()
  }

  #lookNow(): void {
    clearTimeout(this.#later)
    this.#later = undefined
    if (!this.#isDue && !this.#retry.isWaiting && this.#unlisten !== undefined) this.#look()
  }

  #lookSoon(): void {
    clearTimeout(this.#later)
    this.#later = undefined
    if (this.#isDue || this.#retry.isWaiting || this.#unlisten === undefined) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      if (this.#unlisten !== undefined) this.#look()
    })
  }

  #look(): void {
    try {
      const isMore = this.#options.look()
      this.#retry.succeeded()
      if (isMore) this.#lookSoon()
    } catch (error) {
      this.failed(error)
    }
  }
}
