import { setImmediate as later } from 'node:timers'
import { elapsed, setDelay, type Clock } from '../../core/index.ts'
import { closeCodes } from '../protocol.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { FanOut } from './fan-out.ts'
import { Packet } from './packet.ts'

/** What a heartbeat looks after. */
export interface HeartbeatOptions {
  readonly connections: ReadonlySet<Connection>
  readonly fanOut: FanOut
  readonly clock: Clock
  readonly counters: Counters
  /** In milliseconds. */
  readonly interval: number
  /** How long a client may take nothing while something waits for it, in milliseconds. */
  readonly stalled: number
  readonly close: (connection: Connection, code: number, reason: string) => void
  /** Ends a connection without a word, as nobody is there to hear it. */
  readonly drop: (connection: Connection, code: number) => void
}

/** A client that has not answered for so many heartbeats is gone. */
const patience = 2.5

/**
 * One timer for all connections. At each beat:
 *
 * - everybody whose channels are all live is told its position, which proves that the line works and lets a client of a quiet channel
 *   resume from there: one frame, made once;
 * - WebSockets are pinged, in the same write (RFC 6455, 5.5.2). Who did not answer for 2.5 beats is gone: half-open, without a word
 *   from its network. For an event stream only the kernel can tell, after some minutes;
 * - a client that has taken nothing for 30 s of what waits for it is cut off;
 * - a user whose `expiresAt` is over has to come again.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #end: (() => void) | undefined
  #beats = 0
  readonly #step: number
  #lastAt = 0

  constructor(options: HeartbeatOptions) {
    this.#options = options
    const { interval, stalled } = options
    // Often enough that nobody is found to be stalled much too late.
    this.#step = Math.max(10, Math.min(interval, stalled, 10_000) / 2)
  }

  /** Begins. */
  start(): void {
    this.#lastAt = elapsed(this.#options.clock)
    this.#wait()
  }

  /** Ends. */
  stop(): void {
    this.#end?.()
    this.#end = undefined
  }

  #wait(): void {
    const { clock, interval } = this.#options
    const every = Math.max(1, Math.round(interval / this.#step))
    this.#end = setDelay(clock, () => this.#look(every), this.#step)
  }

  /** Between two slices: while one is handed out its position is not that of everybody. */
  #look(every: number): void {
    if (!this.#options.fanOut.isDone) {
      later(() => this.#end !== undefined && this.#look(every))
      return
    }
    this.#beat(every)
    this.#wait()
  }

  /** @param every At how many looks there is a heartbeat. */
  #beat(every: number): void {
    const { connections, fanOut, clock } = this.#options
    const now = elapsed(clock)
    this.#forgive(now)
    const isDue = ++this.#beats % every === 0
    const position = isDue ? Packet.of({ position: fanOut.positionText }, fanOut.positionText) : undefined
    for (const connection of connections) {
      if (this.#isOver(connection, now)) continue
      if (position !== undefined) this.#tell(connection, position)
    }
  }

  /** While this process stood still it heard nobody: that time does not count. */
  #forgive(now: number): void {
    const stood = now - this.#lastAt - this.#step
    this.#lastAt = now
    if (stood < this.#step) return
    for (const connection of this.#options.connections) {
      connection.heardAt += stood
      if (connection.stalledAt > 0) connection.stalledAt += stood
    }
  }

  #tell(connection: Connection, position: Packet): void {
    const { transport, subscriptions } = connection
    if (transport.buffered > 0) return
    transport.cork()
    if (isLive(subscriptions)) transport.write(position)
    transport.probe()
    transport.uncork()
  }

  #isOver(connection: Connection, now: number): boolean {
    const { interval, clock, close, drop } = this.#options
    const { transport, client } = connection
    if (client.user !== undefined && isExpired(client.user, clock.now())) {
      close(connection, closeCodes.notAuthenticated, 'The authentication has expired')
      return true
    }
    if (this.#isStalled(connection, now)) {
      drop(connection, closeCodes.slow)
      return true
    }
    // Of who is not listened to for now no pong is heard.
    if (connection.isPaused) connection.heardAt = now
    const isSilent = transport.kind === 'websocket' && now - connection.heardAt > interval * patience
    // Who takes what waits for it is there, even if its pong is far behind.
    if (isSilent && transport.buffered === 0) drop(connection, 1006)
    return isSilent
  }

  #isStalled(connection: Connection, now: number): boolean {
    const { buffered, progress } = connection.transport
    if (buffered === 0) connection.stalledAt = 0
    else if (connection.stalledAt === 0 || progress !== connection.progress) connection.stalledAt = now
    connection.progress = progress
    return buffered > 0 && now - connection.stalledAt >= this.#options.stalled
  }
}

function isLive(subscriptions: Connection['subscriptions']): boolean {
  for (const { state } of subscriptions.values()) if (state !== 'live') return false
  return true
}

function isExpired(user: object, now: number): boolean {
  return 'expiresAt' in user && typeof user.expiresAt === 'number' && now >= user.expiresAt
}
