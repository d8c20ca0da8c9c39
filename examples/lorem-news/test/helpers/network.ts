import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** The network between a browser and the app, which can be cut. */
export class Network implements Disposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(server: Server) {
    this.#server = server
  }

  /** Opens a way to a port of this machine. */
  static async to(port: number): Promise<Network> {
    const server = createServer()
    const network = new Network(server)
    server.on('connection', (near) => network.#join(near, port))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return network
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Nothing gets through any more. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  mend(): void {
    this.#isCut = false
  }

  [Symbol.dispose](): void {
    this.cut()
    this.#server.close()
  }

  #join(near: Socket, port: number): void {
    if (this.#isCut) return void near.resetAndDestroy()
    const far = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}
