import { once } from 'node:events'
import { rename, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { holderOfPort, StateError } from '../core/index.ts'
import type { Balancer } from './balancer.ts'

/** Where a supervisor listens: an address, a unix socket, or a descriptor that it was given, already listening. */
export type ListenTarget = { host: string; port: number } | { path: string } | { fd: number }

/** How many connections the kernel keeps while nobody accepts; it takes the smaller of this and `net.core.somaxconn`. */
const backlog = 4_096

/** The listening socket of the whole tree: what comes in goes to the balancer. */
export class Door {
  readonly #target: ListenTarget
  readonly #server: Server

  constructor(target: ListenTarget, balancer: Pick<Balancer, 'hand'>) {
    this.#target = target
    const options = { pauseOnConnect: true, allowHalfOpen: true, noDelay: true }
    this.#server = createServer(options, (socket) => balancer.hand(socket))
  }

  /** `http://127.0.0.1:3000`, `unix:/run/app.socket`; `undefined` while it is closed. */
  get address(): string | undefined {
    const address = this.#server.address()
    if (address === null) return undefined
    if ('path' in this.#target) return `unix:${this.#target.path}`
    if (typeof address === 'string') return `unix:${address}`
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
  }

  /**
   * Descriptor of the socket, to be inherited by another process; `undefined` while it is closed. Node has no documented way to
   * ask for it.
   */
  get descriptor(): number | undefined {
    return (this.#server as unknown as { _handle: { fd: number } | null })._handle?.fd
  }

  /**
   * Begins to accept.
   *
   * @throws StateError `HANDCAR_PORT_IN_USE`, `HANDCAR_PORT_FORBIDDEN`
   */
  async open(): Promise<void> {
    try {
      await ('path' in this.#target ? this.#listenAt(this.#target.path) : this.#listen({ ...this.#target }))
    } catch (error) {
      throw await explain(error as NodeJS.ErrnoException, this.#target)
    }
  }

  /**
   * Accepts no more. Everything that was accepted has reached the balancer. It is not waited for the connections: they belong
   * to other processes by now.
   */
  close(): void {
    if (this.#server.listening) this.#server.close()
  }

  /** Nobody listens here any more: the file of a unix socket is removed. Not for a socket that somebody else goes on with. */
  async abandon(): Promise<void> {
    this.close()
    if ('path' in this.#target) await unlink(this.#target.path).catch(() => {})
  }

  async #listen(options: { host?: string; port?: number; path?: string; fd?: number }): Promise<void> {
    this.#server.listen({ ...options, backlog })
    await once(this.#server, 'listening')
  }

  /**
   * A unix socket is made under another name and then renamed: that replaces what a dead process left behind, and the file that
   * Node removes when the server closes is the one of the first name, so that a successor can go on with the socket.
   */
  async #listenAt(path: string): Promise<void> {
    if (await isAnswering(path)) throw Object.assign(new Error(`${path} is in use`), { code: 'EADDRINUSE' })
    const first = `${path}.${process.pid}`
    await this.#listen({ path: first })
    await rename(first, path)
  }
}

async function isAnswering(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function explain(error: NodeJS.ErrnoException, target: ListenTarget): Promise<Error> {
  const place = 'port' in target ? `Port ${target.port} of ${target.host}` : JSON.stringify(target)
  if (error.code === 'EADDRINUSE') {
    const holder = 'port' in target ? await holderOfPort(target.port) : undefined
    const by = holder ? `process ${holder.pid} (${holder.command})` : 'another program'
    return new StateError('HANDCAR_PORT_IN_USE', `${place} is taken by ${by}`, {
      cause: error,
      details: { ...holder },
    })
  }
  if (error.code === 'EACCES') {
    return new StateError('HANDCAR_PORT_FORBIDDEN', `${place} may not be used by this user`, { cause: error })
  }
  return error
}
