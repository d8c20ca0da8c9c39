import type { Socket } from 'node:net'
import { invalidOption, option, readOptions, Service, StateError, type Duration } from '../core/index.ts'
import type { DrainLimits, DrainReport } from './drain.ts'
import { OpenServer, type UpgradeListener } from './open-server.ts'
import { resolveServerOptions, type ResolvedServerOptions, type ServerOptions } from './options.ts'
import { RequestCounter, type ServerStats } from './server-stats.ts'

/** Options of `server.drain()`. */
export interface DrainOptions {
  /** After this everything that is left is cut off. Default: the server's `stopTimeout`. */
  timeout?: Duration
  /** A connection on which nothing happened for so long is closed. Default: `'5s'`. */
  idle?: Duration
}

/** Called when a drain begins, with its limits in milliseconds. */
export type DrainListener = (limits: Readonly<DrainLimits>) => void | Promise<void>

/** For `stop()`, in milliseconds: a request that is on its way arrives within a round trip. */
const idleWhenStopping = 250

/**
 * Serves an app over HTTP: request ids, a log line for each request, limits against slow and greedy clients, files, compression,
 * a health check, and a stop that fails no request.
 */
export class Server extends Service {
  readonly #options: ResolvedServerOptions
  readonly #drainListeners = new Set<DrainListener>()
  #upgradeListener: UpgradeListener | undefined
  #open: OpenServer | undefined

  /** @throws OptionsError */
  constructor(options: ServerOptions) {
    const resolved = resolveServerOptions(options)
    super(resolved.stopTimeout)
    this.#options = resolved
  }

  /** Where it listens: `http://127.0.0.1:3000`, `unix:/path`; `undefined` when it does not. */
  get address(): string | undefined {
    return this.#open?.address
  }

  /**
   * Serves a connection that somebody else accepted, paused or not. During a drain too: who hands connections over may have
   * done so just before.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  accept(socket: Socket): void {
    this.#opened().accept(socket)
  }

  /**
   * Stops listening, lets requests finish and connections end, and cuts off what is left at the time limit. Resolves when no
   * connection is left. Called again, it shares the drain that runs, which keeps the tighter limits.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`
   */
  drain(options?: DrainOptions): Promise<DrainReport> {
    const limits = readOptions('server.drain', options, {
      timeout: option.duration(this.#options.stopTimeout),
      idle: option.duration(5_000),
    })
    return this.#drain(this.#opened(), limits)
  }

  /**
   * Calls a listener when a drain begins. WebSockets and event streams are left to the listeners until what they return has resolved:
   * they may say goodbye to their clients in their own words. What is still connected then is closed.
   */
  onDrain(listener: DrainListener): void {
    if (typeof listener !== 'function') throw invalidOption('server.onDrain listener', 'a function', listener)
    this.#drainListeners.add(listener)
  }

  /**
   * Hands over requests to leave HTTP, such as for a WebSocket; there is one listener. Without one they are refused with 400.
   * The server goes on tracking their connections: a drain sends WebSockets the close code 1012 ("service restart"), those that are
   * left when the listeners of the drain have done their part.
   */
  onUpgrade(listener: UpgradeListener): void {
    if (typeof listener !== 'function')
      throw invalidOption('server.onUpgrade listener', 'a function', listener)
    this.#upgradeListener = listener
  }

  /** What it has done since the start and is doing. */
  stats(): ServerStats {
    return this.#open?.stats() ?? nothing()
  }

  protected async open(): Promise<void> {
    const open = new OpenServer(this.#options, () => this.#upgradeListener)
    await open.open()
    this.#open = open
  }

  protected async close(timeout: number): Promise<void> {
    const open = this.#open!
    try {
      await this.#drain(open, { timeout, idle: idleWhenStopping })
    } finally {
      this.#open = undefined
      await open.close()
    }
  }

  async #drain(open: OpenServer, limits: { timeout: number; idle: number }): Promise<DrainReport> {
    const { logger } = this.#options
    if (open.isDraining) return open.drain(limits)
    const done = open.drain(limits, () => this.#tellListeners(limits))
    const report = await done
    if (report.cut.connections > 0)
      logger.warn({ ...report }, 'The drain cut off what was left at its time limit')
    return report
  }

  async #tellListeners(limits: DrainLimits): Promise<void> {
    const { logger } = this.#options
    const tell = async (listener: DrainListener): Promise<void> => await listener(limits)
    for (const { reason } of (await Promise.allSettled([...this.#drainListeners].map(tell))).filter(
      (each) => each.status === 'rejected',
    ))
      logger.error({ err: reason }, 'A listener of the drain failed')
  }

  #opened(): OpenServer {
    if (this.#open) return this.#open
    throw new StateError('HANDCAR_NOT_STARTED', `The server is not open (it is ${this.state})`)
  }
}

function nothing(): ServerStats {
  const counter = new RequestCounter()
  return {
    requests: 0,
    active: 0,
    connections: 0,
    statuses: {},
    latency: counter.latency(),
    requestsPerSecond: 0,
  }
}
