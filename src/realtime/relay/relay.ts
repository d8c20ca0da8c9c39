import { option, socketPath, type Logger } from '../../core/index.ts'
import { encodeMessage, fits, longestPayload, longestTopic } from './frames.ts'
import { Outbox } from './outbox.ts'
import { Rendezvous } from './rendezvous.ts'

/** Called with what another process has sent. One that throws is logged. */
export type RelayListener = (payload: string) => void

/** What a relay is doing and has done, as plain JSON. */
export interface RelayStats {
  /** What this process is: the hub, one that is connected with it, or neither at the moment. */
  role: 'hub' | 'peer' | 'none'
  /** Other processes that can be reached. */
  peers: number
  sent: number
  received: number
  /** Messages of this process that were dropped, because nobody read them or nobody could be reached. */
  dropped: number
  /** Processes that were cut off by this one, because they did not read. */
  cutOff: number
}

/** What a relay needs. */
export interface RelayOptions {
  /** Absolute path of the database: the socket lies beside it, as `<database>.relay`. */
  path: string
  logger: Logger
}

/**
 * Carries messages that are not stored between the processes on one database file. At most once, in the order of each sender:
 * what is sent while the hub changes, or to a process that does not read, is gone.
 *
 * One process is the *hub*, whichever comes first; the others are connected with it by a unix socket. When the hub ends, the kernel
 * closes its sockets and lets its lock go: the others notice at once, one of them takes the lock and listens, and the rest
 * connect, within milliseconds. What waits for a process is bounded (1 MB): one that does not read is cut off, never waited for, and
 * comes back when it reads again. A hub that stands still keeps its lock, so that nothing passes until it goes on or is ended,
 * as the supervisor does with a process that does not answer; `isConnected` tells.
 */
export class Relay {
  readonly #logger: Logger
  readonly #rendezvous: Rendezvous
  readonly #outbox = new Outbox((frames, count) => this.#write(frames, count))
  readonly #listeners = new Map<string, Set<RelayListener>>()
  readonly #goneListeners = new Set<() => void>()
  readonly #counts = { sent: 0, received: 0, dropped: 0, cutOff: 0 }

  constructor({ path, logger }: RelayOptions) {
    this.#logger = logger
    this.#rendezvous = new Rendezvous(socketPath(`${path}.relay`), `${path}.relay-lock`, logger, {
      onMessage: ({ topic, payload }) => this.#receive(topic, payload),
      onGone: () => this.#tellGone(),
      onDropped: () => void this.#counts.cutOff++,
    })
  }

  /** Meets the other processes; resolves after the first attempt, and goes on until it is stopped. Idempotent. */
  start(): Promise<void> {
    return this.#rendezvous.start()
  }

  /** Leaves the others. Idempotent. */
  async stop(): Promise<void> {
    this.#outbox.flush()
    await this.#rendezvous.stop()
  }

  /** How many other processes can be reached. */
  get peers(): number {
    return this.#rendezvous.link?.peers ?? 0
  }

  /** Whether the others can be reached, and tell at once when one of them has gone. */
  get isConnected(): boolean {
    return this.#rendezvous.link !== undefined
  }

  /**
   * Sends to all other processes, not to this one. At most once; nothing is kept for processes that come later.
   *
   * @param payload At most 66 kB as UTF-8.
   * @throws OptionsError `HANDCAR_OPTION_INVALID` when topic or payload are too long
   */
  send(topic: string, payload: string): void {
    if (!fits(topic, payload)) {
      const expected = `a topic of at most ${longestTopic} bytes and a payload of at most ${longestPayload}`
      throw option.invalidOption('relay message', expected, `${topic}: ${payload.length} characters`)
    }
    if (this.#rendezvous.link?.peers !== 0) this.#outbox.add(encodeMessage(topic, payload))
  }

  /** Calls back with what others send to a topic. Returns what ends it. */
  on(topic: string, listener: RelayListener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic)
    }
  }

  /** Calls back when a process may have ended: its connection has. Returns what ends it. */
  onGone(listener: () => void): () => void {
    this.#goneListeners.add(listener)
    return () => void this.#goneListeners.delete(listener)
  }

  /** What it is doing and has done. */
  stats(): RelayStats {
    return { role: this.#rendezvous.link?.role ?? 'none', peers: this.peers, ...this.#counts }
  }

  #write(frames: Buffer, count: number): void {
    if (this.#rendezvous.link?.write(frames)) this.#counts.sent += count
    else this.#counts.dropped += count
  }

  #receive(topic: string, payload: () => string): void {
    this.#counts.received++
    const listeners = this.#listeners.get(topic)
    if (listeners === undefined) return
    const text = payload()
    for (const listener of listeners) this.#call(() => listener(text))
  }

  #tellGone(): void {
    for (const listener of this.#goneListeners) this.#call(listener)
  }

  #call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#logger.error({ error: String(error) }, 'a listener of the relay failed')
    }
  }
}
