import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Connections } from './connections.ts'

/** What a drain did. */
export interface DrainReport {
  /** Requests that were answered to the end during the drain. */
  finished: number
  /** What was still there at the time limit, and was cut off. */
  cut: { requests: number; connections: number; paths: string[] }
  /** In milliseconds. */
  duration: number
}

/** How long a drain may take, in milliseconds. */
export interface DrainLimits {
  /** Then everything that is left is cut off. */
  timeout: number
  /** A connection on which nothing happened for so long is closed. */
  idle: number
}

/** WebSockets are told to go so far apart, in milliseconds, so that they do not come back all at once. */
const spread = 2
/** A WebSocket frame that closes with 1012, "service restart" (RFC 6455, and the IANA registry of close codes). */
const serviceRestart = Buffer.of(0x88, 0x02, 0x03, 0xf4)

/**
 * Empties a server without failing a request. `http.Server.close()` cannot: it destroys each connection that waits for its
 * next request, which is often already on its way.
 *
 * - New connections no longer come; who drains has seen to it.
 * - A request that runs, or arrives, is answered, with `connection: close` (see `Exchange.writeHead`), so its client
 *   ends the connection.
 * - An idle connection is left alone until nothing came on it for `idle`: its client may be about to use it. Before it is
 *   closed the event loop reads once more what has already arrived, which matters when the process was busy. The same goes for
 *   connections on which nothing came at all, such as those that browsers open in advance.
 * - Event streams end with a `retry:` hint, WebSockets with 1012, as far as those who own them have not said goodbye themselves.
 * - At `timeout` everything that is left is cut off and reported.
 */
export class Drain {
  readonly #connections: Connections
  readonly #startedAt = performance.now()
  readonly #done = Promise.withResolvers<DrainReport>()
  readonly #sweeps: NodeJS.Timeout
  readonly #quietSince = new Map<Connection, number>()
  #deadline = Infinity
  #idle = Infinity
  #isClosingWebSockets = false
  #isLeftToOwners = false
  /** Requests that ended since it began; counted by the server. */
  finished = 0

  /**
   * @param tell Tells those who own WebSockets and event streams, which are left to them until that has resolved. Default: nobody owns
   *   any.
   */
  constructor(connections: Connections, limits: DrainLimits, tell?: () => Promise<void>) {
    this.#connections = connections
    if (tell !== undefined) void this.#leaveToOwners(tell)
    this.tighten(limits)
    connections.onEmpty = () => this.#end({ requests: 0, connections: 0, paths: [] })
    this.#sweeps = setInterval(() => this.#sweep(), Math.max(2, Math.min(50, this.#idle / 4)))
    this.#endEventStreams()
    if (connections.size === 0) connections.onEmpty()
    else this.#sweep()
  }

  /** Resolves when no connection is left. */
  get done(): Promise<DrainReport> {
    return this.#done.promise
  }

  /** Makes a running drain end sooner. */
  tighten({ timeout, idle }: DrainLimits): void {
    this.#deadline = Math.min(this.#deadline, performance.now() + timeout)
    this.#idle = Math.min(this.#idle, idle)
  }

  async #leaveToOwners(tell: () => Promise<void>): Promise<void> {
    this.#isLeftToOwners = true
    await Promise.resolve() // who asks is told that the server drains
    await tell()
    this.#isLeftToOwners = false
    this.#endEventStreams()
  }

  #endEventStreams(): void {
    if (this.#isLeftToOwners) return
    for (const { latest } of this.#connections) if (latest?.isEventStream) latest.endEventStream()
  }

  #sweep(): void {
    const now = performance.now()
    if (now >= this.#deadline) return this.#cut()
    void this.#closeWebSockets()
    const silent = [...this.#connections].filter((connection) => this.#isSilent(connection, now))
    if (silent.length === 0) return
    setImmediate(() => {
      for (const connection of silent) if (!connection.hasStirred()) connection.socket.destroy()
    })
  }

  #isSilent(connection: Connection, now: number): boolean {
    if (connection.upgraded) return false
    const since = this.#quietSince.get(connection)
    if (connection.hasStirred() || since === undefined) this.#quietSince.set(connection, now)
    return since !== undefined && now - since >= this.#idle && this.#quietSince.get(connection) === since
  }

  /** A WebSocket that has not been greeted yet would take the frame for a broken greeting: it gets it at a later sweep. */
  async #closeWebSockets(): Promise<void> {
    if (this.#isClosingWebSockets || this.#isLeftToOwners) return
    this.#isClosingWebSockets = true
    for (const { socket, upgraded } of this.#connections) {
      if (!upgraded || upgraded.isClosing || socket.bytesWritten === upgraded.bytesBefore) continue
      upgraded.isClosing = true
      if (upgraded.isWebSocket) socket.write(serviceRestart)
      else socket.end()
      await sleep(spread)
    }
    this.#isClosingWebSockets = false
  }

  #cut(): void {
    const busy = [...this.#connections].filter(({ active }) => active > 0)
    const requests = busy.reduce((sum, { active }) => sum + active, 0)
    const paths = busy.map(({ latest }) => latest!.path)
    const cut = { requests, connections: this.#connections.size, paths }
    this.#connections.onEmpty = undefined
    this.#connections.destroyAll()
    this.#end(cut)
  }

  #end(cut: DrainReport['cut']): void {
    clearInterval(this.#sweeps)
    const duration = Math.round(performance.now() - this.#startedAt)
    this.#done.resolve({ finished: this.finished, cut, duration })
  }
}
