import { elapsed, type Clock } from '../../core/index.ts'
import { closeCodes, type SendRequest } from '../protocol.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { ConnectionsOptions } from './needs.ts'
import { parseMessage } from './parse-message.ts'
import type { Sends } from './sends.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What an inbox hands messages to. */
export interface InboxOptions extends Pick<ConnectionsOptions, 'limits' | 'highWater'> {
  readonly sends: Sends
  readonly subscriptions: Subscriptions
  readonly counters: Counters
  readonly clock: Clock
  /** Ends a connection. */
  readonly close: (connection: Connection, code: number, reason: string) => void
}

/** A client that has so many messages being handled is not listened to until some of them are. */
const mostHandled = 64
/** A client may save up so many seconds of its rate: after a reconnect it sends what has gathered. */
const burst = 4

/**
 * What comes from clients. A client that sends faster than its messages are handled, or that does not read what it is told, is not
 * listened to for a while: the kernel's buffer fills up, and it has to wait.
 */
export class Inbox {
  readonly #options: InboxOptions

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /**
   * Takes a message of a client.
   *
   * @param size In bytes.
   */
  receive(connection: Connection, text: string, size: number): void {
    const { subscriptions, clock } = this.#options
    if (!connection.isOpen || connection.isRefused) return
    connection.heardAt = elapsed(clock)
    const message = parseMessage(text)
    if (message === undefined) return this.#malformed(connection)
    if ('send' in message) this.#send(connection, message, size)
    else if (!this.#mayAsk(connection))
      return this.refuse(connection, 'limit', 'More requests than anybody needs', closeCodes.tooMany)
    else if ('ping' in message) connection.send({ pong: message.ping })
    else if (connection.isLeaving) return
    else if ('subscribe' in message) subscriptions.subscribe(connection, message)
    else subscriptions.unsubscribe(connection, message.unsubscribe, message.id)
    this.#slowDown(connection)
  }

  /** Says why a connection is about to be ended for what it has sent. */
  refuse(
    connection: Connection,
    code: 'malformed' | 'too-large' | 'limit',
    message: string,
    closeCode: number,
  ): void {
    connection.isRefused = true
    this.#options.counters.refused++
    connection.send({ error: { code, message } })
    this.#options.close(connection, closeCode, message)
  }

  #malformed(connection: Connection): void {
    this.refuse(connection, 'malformed', 'This is no message of the protocol', closeCodes.protocol)
  }

  #send(connection: Connection, request: SendRequest, size: number): void {
    const { limits, sends, counters } = this.#options
    const problem = connection.isLeaving
      ? (['stopping', 'The server restarts; send it again'] as const)
      : size > limits.messageSize
        ? (['too-large', `A message may have ${limits.messageSize} bytes`] as const)
        : this.#maySend(connection)
          ? undefined
          : (['limit', `More than ${limits.sendRate} messages per second`] as const)
    if (problem !== undefined) {
      counters.refused++
      return connection.send({ error: { code: problem[0], message: problem[1] }, id: request.id })
    }
    connection.handling++
    const begun = connection.lastSend.then(() =>
      sends.begin({ client: connection.client, connection: connection.id }, request),
    )
    connection.lastSend = begun.then(
      ({ answer }) => void answer.then((message) => this.#answer(connection, message)),
    )
  }

  #answer(connection: Connection, message: Parameters<Connection['send']>[0]): void {
    connection.send(message)
    connection.handling--
    this.#goOn(connection)
  }

  #maySend({ sends }: Connection): boolean {
    const { limits, clock } = this.#options
    return sends.take(elapsed(clock), limits.sendRate, limits.sendRate * burst)
  }

  /** Subscribes to all channels at once are usual after a reconnect; as many again and again are not. */
  #mayAsk({ requests }: Connection): boolean {
    const { limits, clock } = this.#options
    return requests.take(elapsed(clock), limits.sendRate, limits.sendRate * burst + limits.channels)
  }

  #slowDown(connection: Connection): void {
    const { transport } = connection
    const isUnread = transport.buffered > this.#options.highWater
    if (connection.isPaused || (!isUnread && connection.handling < mostHandled)) return
    connection.isPaused = true
    transport.pause()
    if (isUnread) transport.probe(() => this.#goOn(connection))
  }

  #goOn(connection: Connection): void {
    const { transport } = connection
    if (!connection.isPaused || connection.handling >= mostHandled) return
    if (transport.buffered > this.#options.highWater) return
    connection.isPaused = false
    transport.resume()
  }
}
