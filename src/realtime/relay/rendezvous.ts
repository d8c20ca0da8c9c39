import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../core/index.ts'
import { Hub } from './hub.ts'
import type { Link, LinkEvents } from './link.ts'
import { Peer } from './peer.ts'

/** A link that is being made, or was made. */
interface Attempt {
  link?: Link
  hasEnded?: boolean
}

/** The first pause between two attempts, and the longest, in milliseconds. */
const firstPause = 4
const longestPause = 1_000

/**
 * Where the processes meet: a socket at which whoever comes first listens, and all others connect. When the link ends, as it does with the
 * hub, another one is sought; those who lose the hub at the same moment try again at different ones, first within 4 ms.
 */
export class Rendezvous {
  readonly #path: string
  readonly #lockPath: string
  readonly #logger: Logger
  readonly #events: Omit<LinkEvents, 'onEnd'>
  #link: Link | undefined
  #running: AbortController | undefined
  #seeking: Promise<void> | undefined
  #lastFailure = ''

  /**
   * @param path Path of the socket.
   * @param lockPath Path of the lock that the hub holds.
   */
  constructor(path: string, lockPath: string, logger: Logger, events: Omit<LinkEvents, 'onEnd'>) {
    this.#path = path
    this.#lockPath = lockPath
    this.#logger = logger
    this.#events = events
  }

  /** How this process is connected at the moment. */
  get link(): Link | undefined {
    return this.#link
  }

  /** Resolves after the first attempt, and goes on until it is stopped. Idempotent. */
  async start(): Promise<void> {
    if (this.#running) return
    const running = new AbortController()
    this.#running = running
    await new Promise<void>((resolve) => {
      this.#seeking = this.#seek(running, resolve)
    })
  }

  /** Leaves the others. Idempotent. */
  async stop(): Promise<void> {
    this.#running?.abort()
    this.#running = undefined
    const link = this.#link
    this.#link = undefined
    await this.#seeking
    await link?.close()
  }

  /** Tries until there is a link. */
  async #seek(running: AbortController, attempted?: () => void): Promise<void> {
    for (let pause = firstPause; !running.signal.aborted; pause = Math.min(2 * pause, longestPause)) {
      const isLinked = await this.#join(running)
      attempted?.()
      if (isLinked) return
      await sleep(Math.random() * pause, undefined, { ref: false, signal: running.signal }).catch(() => {})
    }
    attempted?.()
  }

  async #join(running: AbortController): Promise<boolean> {
    const attempt: Attempt = {}
    const events = { ...this.#events, onEnd: () => this.#ended(attempt, running) }
    try {
      attempt.link =
        (await Peer.open(this.#path, events)) ?? (await Hub.open(this.#path, this.#lockPath, events))
    } catch (error) {
      this.#warn(String(error))
    }
    const { link } = attempt
    if (link === undefined) return false
    if (attempt.hasEnded || running.signal.aborted) {
      await link.close()
      return false
    }
    this.#link = link
    return true
  }

  #ended(attempt: Attempt, running: AbortController): void {
    attempt.hasEnded = true
    if (attempt.link !== undefined && this.#link === attempt.link)
      this.#seeking = this.#replace(attempt.link, running)
  }

  async #replace(link: Link, running: AbortController): Promise<void> {
    this.#link = undefined
    await link.close()
    await this.#seek(running)
  }

  /** The same failure is said once, however often it comes. */
  #warn(failure: string): void {
    if (failure === this.#lastFailure) return
    this.#lastFailure = failure
    this.#logger.warn({ error: failure }, 'the relay between processes cannot be opened')
  }
}
