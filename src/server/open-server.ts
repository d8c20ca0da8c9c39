import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server as HttpServer, STATUS_CODES } from 'node:http'
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Connections } from './connections.ts'
import { Drain, type DrainLimits, type DrainReport } from './drain.ts'
import { Exchange, type ExchangeServer } from './exchange.ts'
import { fetchListener } from './fetch-listener.ts'
import { identify, identifyUpgrade } from './forwarded.ts'
import { answerHealth, Health, type HealthPageOptions } from './health.ts'
import { LimitedRequest } from './limited-request.ts'
import { listen } from './listen.ts'
import type { ResolvedServerOptions } from './options.ts'
import { RequestIds } from './request-id.ts'
import { RequestCounter, type ServerStats } from './server-stats.ts'
import { serveFolder, type StaticFilesHandler } from './static-files.ts'

/** Takes over a connection that leaves HTTP, as Node's event `upgrade` hands it over. */
export type UpgradeListener = (
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  environment: UpgradeEnvironment,
) => void

/** What the server knows of a request that leaves HTTP. */
export interface UpgradeEnvironment {
  /** Names the request in the log. */
  requestId: string
  /** Address of the client, as far as trusted proxies tell it. */
  clientAddress: string
}

type Http = HttpServer<typeof LimitedRequest, typeof Exchange>

/** A server between start and stop: Node's HTTP server, its connections, and the way of each request. */
export class OpenServer implements ExchangeServer {
  readonly #options: ResolvedServerOptions
  readonly #http: Http
  readonly #connections: Connections
  readonly #counter = new RequestCounter()
  readonly #ids = new RequestIds()
  readonly #folders: readonly StaticFilesHandler[]
  readonly #healthPage: HealthPageOptions
  readonly #toApp: ReturnType<typeof fetchListener>
  readonly #upgradeListener: () => UpgradeListener | undefined
  #active = 0
  #drain: Drain | undefined
  /** The listening socket. */
  #closed: Promise<unknown> | undefined

  /** @param upgradeListener Tells who takes over WebSockets, if anybody does. */
  constructor(options: ResolvedServerOptions, upgradeListener: () => UpgradeListener | undefined) {
    this.#options = options
    this.#upgradeListener = upgradeListener
    this.#connections = new Connections(options.trustedProxies)
    this.#folders = options.staticFiles.map(serveFolder)
    this.#healthPage = { ...options, health: new Health(options.checks) }
    this.#toApp = fetchListener(options.app, (error, exchange) => this.#fail(error, exchange))
    this.#http = this.#createHttp()
  }

  get isDraining(): boolean {
    return this.#drain !== undefined
  }

  get compresses(): boolean {
    return this.#options.compression
  }

  /** Begins to listen, if it is to. */
  async open(): Promise<void> {
    if (this.#options.listen !== false) await listen(this.#http, this.#options.listen)
    // What looks for clients that are too slow starts with this event.
    else this.#http.emit('listening')
  }

  /** Where it listens: `http://127.0.0.1:3000`, `unix:/path`. */
  get address(): string | undefined {
    const address = this.#http.address()
    if (address === null) return undefined
    return typeof address === 'string' ? `unix:${address}` : urlOf(address)
  }

  /** Serves a connection that somebody else accepted. */
  accept(socket: Socket): void {
    if (socket.destroyed) return
    // As Node sets up those that it accepts itself.
    socket.setNoDelay(true)
    socket.allowHalfOpen = true
    this.#http.emit('connection', socket)
    socket.resume()
  }

  /**
   * Empties the server; a drain that runs is shared, and made shorter if the new limits are tighter.
   *
   * @param tell Tells those who own WebSockets and event streams, and resolves when they have done their part.
   */
  drain(limits: DrainLimits, tell?: () => Promise<void>): Promise<DrainReport> {
    if (this.#drain) this.#drain.tighten(limits)
    else {
      // Of the HTTP server's close() only this part: what is connected stays.
      if (this.#http.listening) {
        this.#closed = once(this.#http, 'close')
        NetServer.prototype.close.call(this.#http)
      }
      this.#drain = new Drain(this.#connections, limits, tell)
    }
    return this.#drain.done
  }

  /** Lets go of everything that is left, after a drain. */
  async close(): Promise<void> {
    this.#http.close() // ends the timer that looks for slow clients
    this.#connections.destroyAll()
    await this.#closed
    await nextTurn() // libuv lets go of a handle a turn after it was closed
  }

  stats(): ServerStats {
    return {
      requests: this.#counter.requests,
      active: this.#active,
      connections: this.#connections.size,
      statuses: this.#counter.statuses(),
      latency: this.#counter.latency(),
      requestsPerSecond: this.#counter.requestsPerSecond(),
    }
  }

  ended(exchange: Exchange): void {
    const now = performance.now()
    const duration = now - exchange.startedAt
    const status = exchange.headersSent ? exchange.statusCode : 499
    this.#active--
    if (this.#drain) this.#drain.finished++
    this.#counter.record(status, now, exchange.isEventStream ? undefined : duration)
    if (exchange.errored) this.#logBroken(exchange)
    if (this.#options.accessLog) this.#log(exchange, status, duration)
  }

  #createHttp(): Http {
    const { headersTimeout, requestTimeout, keepAliveTimeout } = this.#options
    const shortest = Math.min(headersTimeout || Infinity, requestTimeout || Infinity)
    const http = createServer({
      IncomingMessage: LimitedRequest,
      ServerResponse: Exchange,
      headersTimeout,
      requestTimeout,
      keepAliveTimeout,
      connectionsCheckingInterval: Math.max(20, Math.min(5_000, shortest / 4)),
      shouldUpgradeCallback: ({ headers }) =>
        isWebSocket(headers.upgrade) || this.#upgradeListener() !== undefined,
    })
    http.on('connection', (socket: Socket) => this.#connections.add(socket))
    http.on('request', (request, exchange) => this.#handle(request, exchange))
    http.on('checkContinue', (request, exchange) => {
      request.bodyLimit = this.#options.bodyLimit
      if (!request.announcesTooMuch) exchange.writeContinue()
      this.#handle(request, exchange)
    })
    http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head))
    return http
  }

  #handle(request: LimitedRequest, exchange: Exchange): void {
    const connection = this.#connections.of(request.socket)
    if (connection === undefined) return void exchange.destroy()
    this.#active++
    exchange.begin(this, connection)
    identify(exchange, connection, this.#ids, this.#options.trustedProxies)
    request.bodyLimit = this.#options.bodyLimit
    if (request.announcesTooMuch) return refuseBody(exchange)
    const { healthPath } = this.#options
    const url = request.url!
    if (url.startsWith(healthPath) && exchange.path === healthPath)
      return void answerHealth(exchange, this.#healthPage)
    if (this.#folders.length > 0 && this.#serveFile(exchange)) return
    void this.#toApp(request, exchange)
  }

  #serveFile(exchange: Exchange): boolean {
    try {
      return this.#folders.some((serve) => serve(exchange))
    } catch (error) {
      this.#options.logger.error(
        { err: error, requestId: exchange.requestId, path: exchange.path },
        'A file could not be served',
      )
      if (exchange.headersSent) exchange.destroy()
      else exchange.answer(500, 'Something went wrong.')
      return true
    }
  }

  #upgrade(request: LimitedRequest, socket: Socket, head: Buffer): void {
    const listener = this.#upgradeListener()
    if (!listener) return refuseUpgrade(socket)
    const connection = this.#connections.of(socket)!
    connection.upgraded = {
      isWebSocket: isWebSocket(request.headers.upgrade),
      bytesBefore: socket.bytesWritten,
      isClosing: false,
    }
    try {
      listener(
        request,
        socket,
        head,
        identifyUpgrade(request, connection, this.#ids, this.#options.trustedProxies),
      )
    } catch (error) {
      // Without the query, in which a token may be.
      const path = request.url?.split('?', 1)[0]
      this.#options.logger.error({ err: error, path }, 'The listener of upgrades failed')
      socket.destroy()
    }
  }

  /** The answer when the app gave none. Its error is told to the log only. */
  #fail(error: unknown, exchange: Exchange): Response {
    const { requestId, req: request, path } = exchange
    if (request.isTooLarge) return textResponse(413, tooLarge)
    const fields = { err: error, requestId, method: request.method, path }
    if (request.socket.destroyed) this.#options.logger.debug(fields, 'A client left before its answer')
    else this.#options.logger.error(fields, 'The app failed to answer a request')
    return textResponse(500, `Something went wrong. The error was logged as ${requestId}.`)
  }

  /** The app's stream failed after the answer had begun; its client sees a connection that breaks. */
  #logBroken({ errored, requestId, req: request, path }: Exchange): void {
    const fields = { err: errored, requestId, method: request.method, path }
    const { logger } = this.#options
    if (connectionErrors.has((errored as NodeJS.ErrnoException).code ?? ''))
      logger.debug(fields, 'A client left')
    else logger.error(fields, 'An answer broke off')
  }

  #log(exchange: Exchange, status: number, duration: number): void {
    const { req: request, carrier, path, clientAddress, requestId } = exchange
    const bytesWritten = request.socket.bytesWritten
    const bytes = bytesWritten - carrier!.bytesBefore
    carrier!.bytesBefore = bytesWritten
    const fields = {
      method: request.method,
      path,
      status,
      duration: Math.round(duration * 100) / 100,
      bytes,
      clientAddress,
      requestId,
    }
    const { logger, healthPath } = this.#options
    if (path === healthPath) logger.debug(fields, 'request')
    else logger.info(fields, 'request')
  }
}

/** How a connection ends whose client is gone. */
const connectionErrors = new Set(['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'])
const tooLarge = 'The body of the request is too large.'

function refuseBody(exchange: Exchange): void {
  exchange.req.refuseBody()
  exchange.answer(413, tooLarge)
}

function refuseUpgrade(socket: Socket): void {
  const text = 'There are no WebSockets here.\n'
  const head = `HTTP/1.1 400 ${STATUS_CODES[400]}\r\nconnection: close\r\ncontent-type: text/plain\r\n`
  socket.on('error', () => {}) // Node no longer listens, and an error would end the process
  socket.end(`${head}content-length: ${text.length}\r\n\r\n${text}`)
}

function textResponse(status: number, text: string): Response {
  return new Response(`${text}\n`, {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}

function isWebSocket(protocol: string | undefined): boolean {
  return protocol?.toLowerCase() === 'websocket'
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}
