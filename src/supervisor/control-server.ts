import { once } from 'node:events'
import { chmod, unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { describeFailure } from '../core/index.ts'
import type { ControlAnswer, ControlCommand } from './control-protocol.ts'

/** How long a client may take to hang up when the supervisor has stopped, in milliseconds. */
const longestGoodbye = 1_000

/** Performs a command, telling how it gets on. */
export type ControlHandler = (progress: (message: string) => void) => Promise<unknown>

/** Answers `handcar status`, `handcar reload` and the like on a unix socket that only the same user can open. */
export class ControlServer {
  readonly #path: string
  readonly #server: Server
  readonly #handlers: Record<ControlCommand, ControlHandler>
  readonly #clients = new Set<Socket>()

  constructor(path: string, handlers: Record<ControlCommand, ControlHandler>) {
    this.#path = path
    this.#handlers = handlers
    this.#server = createServer((socket) => this.#serve(socket))
  }

  /** Begins to listen. The caller holds the lock of the folder, so a socket file that exists is left from a dead supervisor. */
  async open(): Promise<void> {
    await unlink(this.#path).catch(() => {})
    this.#server.listen(this.#path)
    await once(this.#server, 'listening')
    await chmod(this.#path, 0o600)
  }

  /** Stops listening and removes the socket file; answers that are underway are still given. */
  close(): void {
    if (this.#server.listening) this.#server.close()
  }

  /** Resolves when every answer has been sent; those who do not hang up then are hung up on. */
  async finish(): Promise<void> {
    const gone = [...this.#clients].map((client) => once(client, 'close'))
    const impatience = setTimeout(() => {
      for (const client of this.#clients) client.destroy()
    }, longestGoodbye)
    await Promise.all(gone)
    clearTimeout(impatience)
  }

  #serve(socket: Socket): void {
    this.#clients.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#clients.delete(socket))
    createInterface({ input: socket }).once('line', (line) => void this.#answer(socket, line))
  }

  async #answer(socket: Socket, line: string): Promise<void> {
    const write = (answer: ControlAnswer): void => {
      if (socket.writable) socket.write(`${JSON.stringify(answer)}\n`)
    }
    try {
      const handler = this.#handlers[line as ControlCommand] as ControlHandler | undefined
      if (handler === undefined) throw new Error(`Unknown command ${line.slice(0, 40)}`)
      write({ result: (await handler((progress) => write({ progress }))) ?? null })
    } catch (error) {
      write({ failure: describeFailure(error) })
    }
    socket.end()
  }
}
