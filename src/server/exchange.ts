import { ServerResponse, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http'
import { compress, isWorthCompressing } from './compression.ts'
import type { Connection } from './connections.ts'
import type { LimitedRequest } from './limited-request.ts'

/** What an exchange asks of its server, and tells it. */
export interface ExchangeServer {
  readonly isDraining: boolean
  readonly compresses: boolean
  /** The answer was sent, or the client is gone. */
  ended(exchange: Exchange): void
}

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

/**
 * One request and its answer: Node's response, which also knows when it began, what it is called and on which connection it
 * travels. Everything that is added to answers happens in `writeHead`, the one place that each of them passes, so that
 * an answer costs no listener and no closure of its own:
 *
 * - the header `x-request-id`;
 * - `connection: close` while the server drains. Decided here, the answer to a request that was already running when the
 *   drain began carries it too. It is for the last request of its connection only: a client that sends several without
 *   waiting gets all its answers;
 * - compression, where it is worth it.
 */
export class Exchange extends ServerResponse<LimitedRequest> {
  /** Undefined until the request arrived: before, Node itself may answer a malformed one. */
  server: ExchangeServer | undefined
  carrier: Connection | undefined
  requestId = ''
  clientAddress = ''
  /** From `performance.now()`. */
  startedAt = 0
  /** Whether the answer is a stream of server-sent events, which has no end of its own. */
  isEventStream = false
  #isPrepared = false

  /** Takes the request up. */
  begin(server: ExchangeServer, connection: Connection): void {
    this.server = server
    this.carrier = connection
    this.startedAt = performance.now()
    connection.active++
    connection.latest = this
    this.on('close', tellServer)
  }

  /** What was asked for, without the query. */
  get path(): string {
    const url = this.req.url ?? ''
    const query = url.indexOf('?')
    return query === -1 ? url : url.slice(0, query)
  }

  override writeHead(status: number, reason?: string, headers?: Headers): this
  override writeHead(status: number, headers?: Headers): this
  override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
    const server = this.server
    if (server === undefined || this.#isPrepared || this.headersSent)
      return super.writeHead(status, reason as string, headers)
    this.#isPrepared = true
    if (typeof reason !== 'object' || Array.isArray(reason)) {
      this.setHeader('x-request-id', this.requestId)
      if (this.#isLast(server)) this.setHeader('connection', 'close')
      return super.writeHead(status, reason as string, headers)
    }
    const fields: OutgoingHttpHeaders = { ...reason, 'x-request-id': this.requestId }
    if ('X-Request-Id' in reason) delete fields['X-Request-Id']
    if (this.#isLast(server)) {
      delete fields['Connection']
      fields['connection'] = 'close'
    }
    const type = fields['content-type'] ?? fields['Content-Type']
    if (typeof type === 'string' && type.startsWith('text/event-stream')) this.#beginEventStream(server)
    else if (server.compresses && isWorthCompressing(this, status, fields)) {
      compress(this.req, this, fields)
      return this.writeHead(status, fields)
    }
    return super.writeHead(status, fields)
  }

  /** Answers with a line of text. */
  answer(status: number, text: string, headers: OutgoingHttpHeaders = {}): void {
    const body = `${text}\n`
    this.writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      ...headers,
    })
    this.end(body)
  }

  /**
   * Ends a stream of events so that its client comes back to another process, not all clients at the same moment. An event
   * that was sent in part stays without its empty line, so that the client drops it, as it must.
   */
  endEventStream(): void {
    if (this.writableEnded) return
    const delay = 500 + Math.floor(Math.random() * 2_500)
    this.on('error', () => {}) // the app may write for a moment longer
    this.end(`retry: ${delay}\n`, () => this.req.socket.destroySoon())
  }

  #isLast(server: ExchangeServer): boolean {
    return server.isDraining && this.carrier!.latest === this
  }

  #beginEventStream(server: ExchangeServer): void {
    this.isEventStream = true
    if (server.isDraining) setImmediate(() => this.endEventStream())
  }
}

function tellServer(this: Exchange): void {
  this.carrier!.active--
  this.server!.ended(this)
}
