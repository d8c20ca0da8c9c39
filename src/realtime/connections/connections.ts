import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setImmediate as later } from 'node:timers'
import { elapsed } from '../../core/index.ts'
import { controlChannel } from '../log/message.ts'
import { closeCodes } from '../protocol.ts'
import { Endpoint } from '../sse/endpoint.ts'
import type { WebSocketGate } from '../websocket/gate.ts'
import { Audiences } from './audience.ts'
import { Authorizer } from './authorizer.ts'
import { CatchUp } from './catch-up.ts'
import { Census } from './census.ts'
import { Connection, type Client } from './connection.ts'
import { countConnections, type ConnectionsStats } from './connections-stats.ts'
import { Controls } from './controls.ts'
import { Counters } from './counters.ts'
import { FanOut } from './fan-out.ts'
import { dismissAll, sayGoodbye, sendAway } from './farewell.ts'
import { Heartbeat } from './heartbeat.ts'
import type { ClientEnvironment } from './identify.ts'
import { Inbox } from './inbox.ts'
import type { ConnectionsOptions, EphemeralMessage, StoredMessage } from './needs.ts'
import { Presences } from './presences.ts'
import { Receipts } from './receipts.ts'
import { Sends } from './sends.ts'
import { Subscriptions } from './subscriptions.ts'
import { tellConnected, tellDisconnected } from './tell.ts'
import type { Transport } from './transport.ts'

/**
 * The clients of this process, whatever carries their messages. Composes the parts, each of which is explained in its file:
 *
 * ```
 * feed ──▶ FanOut ──▶ live subscriptions ──▶ Transport (WebSocket, event stream)
 *            │  ▲ clogged: CatchUp reads the log until they are live again
 *            └──┴ Controls: rights that were lost, at their place in the log
 * client ──▶ Inbox ──▶ Subscriptions (Authorizer, Presences) · Sends (Receipts)
 * Heartbeat looks after all of them · Census counts them · Farewell empties the process
 * ```
 */
export class Connections {
  readonly options: ConnectionsOptions
  readonly census: Census
  readonly inbox: Inbox
  readonly sends: Sends
  readonly subscriptions: Subscriptions
  readonly #audiences = new Audiences()
  readonly #counters = new Counters()
  readonly #fanOut: FanOut
  readonly #catchUp: CatchUp
  readonly #presences: Presences
  readonly #controls: Controls
  readonly #heartbeat: Heartbeat
  #gate: WebSocketGate | undefined
  readonly #endpoint: Endpoint
  #unlisten: (() => void)[] = []
  isDraining = false

  /** Opens nothing. */
  constructor(options: ConnectionsOptions) {
    const { database, realtime, clock, logger, limits, highWater, presence, heartbeat } = options
    const [audiences, counters] = [this.#audiences, this.#counters]
    const close = this.#close
    this.options = options
    this.census = new Census(limits)
    const authorizer = new Authorizer({ database, realtime, clock, logger, timeout: limits.handshake })
    this.#presences = new Presences(presence, audiences, logger)
    this.#fanOut = new FanOut(audiences, counters, highWater, logger, {
      clogged: (connection) => this.#catchUp.clogged(connection),
      control: (message) => this.#controls.obey(message),
    })
    const shared = { ...options, audiences, counters, authorizer, fanOut: this.#fanOut }
    this.#catchUp = new CatchUp({
      ...shared,
      onLive: (subscription) => this.#presences.show(subscription),
      onFailure: (connection, error) => this.#failed(connection, error),
    })
    this.subscriptions = new Subscriptions({
      ...shared,
      catchUp: this.#catchUp,
      presences: this.#presences,
    })
    this.sends = new Sends({ ...shared, receipts: new Receipts(database, clock) })
    this.inbox = new Inbox({ ...shared, sends: this.sends, subscriptions: this.subscriptions, close })
    this.#controls = new Controls({
      ...shared,
      census: this.census,
      subscriptions: this.subscriptions,
      dismiss: this.#dismiss,
    })
    this.#heartbeat = new Heartbeat({
      ...shared,
      connections: this.census.all,
      interval: heartbeat,
      stalled: limits.stalled,
      close,
      drop: this.#drop,
    })
    this.#endpoint = new Endpoint(this)
  }

  /**
   * Begins to deliver, from where the feed is; the feed must have been started.
   *
   * @param Gate Read by those only who take clients: what it stands on is large.
   */
  start(Gate: typeof WebSocketGate): void {
    this.#gate ??= new Gate(this)
    const { feed, presence } = this.options
    this.isDraining = false
    this.#fanOut.begin(feed)
    this.#unlisten = [
      feed.onMessages((messages) => this.#deliver(messages, () => this.#fanOut.deliver(messages))),
      feed.onEpoch(() => this.#reset()),
      feed.onLost((channels) => this.#lost(channels)),
      presence.onReset(() => this.#presences.reset(this.#fanOut)),
      presence.onChange((channel, change) => this.#presences.changed(this.#fanOut, channel, change)),
    ]
    this.#heartbeat.start()
  }

  /**
   * Takes over a connection that leaves HTTP.
   *
   * @param environment What the server knows of the request: `clientAddress`.
   */
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, environment?: ClientEnvironment): void {
    this.#gate!.upgrade(incoming, socket, head, environment)
  }

  /**
   * Answers a request: `GET` with an event stream, `POST` of a message with its answer.
   *
   * @param environment What the server knows of the request: `clientAddress`.
   */
  fetch(request: Request, environment?: unknown): Promise<Response> {
    return this.#endpoint.fetch(request, environment)
  }

  /** Hands a message that is not stored to the clients of this process. */
  deliver(message: EphemeralMessage): void {
    this.#fanOut.deliverEphemeral(message)
  }

  /** What they are doing and have done. */
  stats(): ConnectionsStats {
    return countConnections(this.census.all, this.#audiences.size, this.#counters)
  }

  /**
   * Sends all clients away, each with the time at which to come back; resolves when they are gone.
   *
   * @param timeout In milliseconds; then those that are left are cut off.
   */
  async drain(timeout: number): Promise<void> {
    this.isDraining = true
    await sendAway(this.census.all, timeout, this.#close)
  }

  /** Ends everything at once. */
  close(): void {
    this.isDraining = true
    this.#heartbeat.stop()
    for (const unlisten of this.#unlisten) unlisten()
    this.#unlisten = []
    for (const connection of this.census.all) this.#drop(connection, 1006)
  }

  /** @internal A client was let in. */
  readonly accept = (client: Client, transport: Transport): Connection => {
    const { clock, heartbeat } = this.options
    const connection = new Connection(client, transport, elapsed(clock))
    this.census.add(connection)
    this.#counters.accepted++
    tellConnected(connection)
    connection.send({
      welcome: { connection: connection.id, heartbeat, position: this.#fanOut.positionText },
    })
    if (this.isDraining) this.#dismiss(connection, 'The server restarts')
    return connection
  }

  /** @internal The connection of a client has ended. */
  readonly closed = (connection: Connection, code: number): void => {
    if (!connection.isOpen) return
    connection.isOpen = false
    this.census.remove(connection)
    this.#counters.close(code)
    tellDisconnected(connection, code)
    this.subscriptions.endAll(connection)
  }

  readonly #close = (connection: Connection, code: number, reason: string): void => {
    connection.isLeaving = true
    connection.transport.end(code, reason)
    this.subscriptions.endAll(connection)
  }

  readonly #dismiss = (connection: Connection, reason: string, wait = 0): void => {
    sayGoodbye(connection, wait, reason)
    this.#close(connection, closeCodes.restart, reason)
  }

  readonly #drop = (connection: Connection, code: number): void => {
    this.closed(connection, code)
    connection.transport.destroy()
  }

  /** Hands a slice out, in several turns if need be; the feed reads no further meanwhile. */
  #deliver(messages: readonly StoredMessage[], work: () => void): void {
    try {
      work()
    } catch (error) {
      this.options.logger.error({ err: error }, 'Messages could not be delivered at once')
      this.#catchUp.overtake(this.census.all, messages, (message) => this.#controls.obey(message))
    }
    if (!this.#fanOut.isDone) {
      const resume = this.options.feed.pause()
      later(() => {
        this.#deliver(messages, () => this.#fanOut.goOn())
        resume()
      })
    } else this.#catchUp.delivered()
  }

  #reset(): void {
    this.#fanOut.begin(this.options.feed)
    for (const { subscriptions } of this.census.all)
      for (const subscription of subscriptions.values()) {
        this.subscriptions.reset(subscription)
        // With the state of the app rights may have gone back too.
        this.subscriptions.reauthorize(subscription)
      }
    this.#catchUp.delivered()
  }

  /** Live subscriptions have missed something; those that are behind find that out when they are caught up. */
  #lost(channels: readonly string[]): void {
    // Somebody may have lost a right without our knowing: each client comes back, and is asked everything anew.
    if (channels.includes(controlChannel))
      return dismissAll(this.census.all, 'The server has missed something', this.#dismiss)
    for (const channel of channels)
      for (const subscription of this.#audiences.get(channel)?.live ?? [])
        this.subscriptions.reset(subscription)
  }

  /** What cannot be read now cannot be sent: the client comes back, and goes on from where it is. */
  #failed(connection: Connection, error: unknown): void {
    this.options.logger.error({ err: error }, 'A client of realtime could not be caught up')
    this.#dismiss(connection, 'Something went wrong')
  }
}
