import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Server, type FetchApp, type ServerOptions } from '../../src/server/index.ts'
import { recordingLogger, type RecordingLogger } from './recording-logger.ts'

/** A server of one test on a free port, with a log to look at. */
export interface TestServer extends AsyncDisposable {
  server: Server
  url: string
  port: number
  logger: RecordingLogger
}

/** Starts a server for an app, or for a function that answers requests. */
export async function startServer(
  app: FetchApp | FetchApp['fetch'],
  options: Partial<ServerOptions> = {},
): Promise<TestServer> {
  const logger = recordingLogger()
  const server = new Server({
    app: typeof app === 'function' ? { fetch: app } : app,
    listen: { port: 0 },
    logger,
    stopTimeout: 1_000,
    ...options,
  })
  await server.start()
  const url = server.address!
  return {
    server,
    url,
    port: Number(new URL(url).port),
    logger,
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

/** A client that writes bytes and keeps what comes back. */
export class RawClient implements Disposable {
  readonly socket: Socket
  /** Everything that was received. */
  received = ''
  /** Whether the connection was closed, by whom ever. */
  isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.received += text
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  static async connect(port: number, bytes = ''): Promise<RawClient> {
    const client = new RawClient(connect({ port, host: '127.0.0.1' }))
    await once(client.socket, 'connect')
    if (bytes !== '') client.socket.write(bytes)
    return client
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** The head of a request without a body. */
export const get = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'host: localhost', ...headers, '', ''].join('\r\n')
