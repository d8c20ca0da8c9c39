import { once } from 'node:events'
import { chmod, unlink } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { StateError } from '../core/index.ts'
import { heartbeatInterval, longestHold, message, quietTime } from './lease.ts'

/** Grants the write lease to one client at a time, in the order in which they asked. See `lease.ts`. */
export class LeaseServer {
  readonly #path: string
  readonly #server: Server
  readonly #clients = new Set<Socket>()
  readonly #queue = new Set<Socket>()
  #holder: Socket | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #impatience: NodeJS.Timeout | undefined
  /** Runs while the writing is queued. */
  #quiet: NodeJS.Timeout | undefined
  #revoked = false
  #status: number = message.notCheckpointing
  #isPaused = false
  #grants = 0

  /** @param path Path of the socket, from `socketPath()`. */
  constructor(path: string) {
    this.#path = path
    this.#server = createServer((socket) => this.#accept(socket))
  }

  /**
   * Begins to listen. A socket file that a dead coordinator left behind is replaced.
   *
   * @throws StateError `HANDCAR_COORDINATOR_EXISTS` when another coordinator serves this database
   */
  async listen(): Promise<void> {
    if (await isAnswering(this.#path)) {
      throw new StateError('HANDCAR_COORDINATOR_EXISTS', `Another coordinator already serves ${this.#path}`)
    }
    await unlink(this.#path).catch(() => {})
    this.#server.listen(this.#path)
    await once(this.#server, 'listening')
    await chmod(this.#path, 0o600)
    this.#heartbeat = setInterval(() => this.#tell(this.#status), heartbeatInterval).unref()
  }

  /** Tells all clients, now and later, whether the coordinator's checkpointer runs. */
  setCheckpointing(isCheckpointing: boolean): void {
    if (this.#status === message.failed) return
    this.#tell(isCheckpointing ? message.checkpointing : message.notCheckpointing)
  }

  /** Tells all clients, now and later, that somebody who replicates the WAL checkpoints it. */
  setReplicating(): void {
    if (this.#status !== message.failed) this.#tell(message.replicating)
  }

  /** Lets all clients pause before their next write, or go on. */
  setPaused(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return
    this.#isPaused = isPaused
    for (const client of this.#clients) this.#send(client, isPaused ? message.pause : message.resume)
  }

  /** Tells all clients, now and later, that the disk did not take a checkpoint. */
  fail(): void {
    this.#tell(message.failed)
  }

  /** How many clients are connected and wait, and how often the lease was granted. */
  stats(): { clients: number; waiting: number; grants: number } {
    return { clients: this.#clients.size, waiting: this.#queue.size, grants: this.#grants }
  }

  /** Disconnects everybody and removes the socket file. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat)
    clearTimeout(this.#impatience)
    clearTimeout(this.#quiet)
    for (const client of this.#clients) client.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket): void {
    this.#clients.add(client)
    this.#send(client, this.#status)
    if (this.#quiet) this.#send(client, message.queued)
    if (this.#isPaused) this.#send(client, message.pause)
    client.on('data', (bytes) => {
      for (const byte of bytes as Buffer) this.#receive(client, byte)
    })
    client.on('error', () => client.destroy())
    client.on('close', () => {
      this.#clients.delete(client)
      this.#queue.delete(client)
      if (this.#holder === client) this.#passOn()
    })
  }

  #receive(client: Socket, byte: number): void {
    if (byte === message.ask) {
      this.#beginQueue()
      this.#queue.add(client)
      if (this.#holder === undefined) this.#passOn()
      else this.#revoke()
    } else if (byte === message.release && this.#holder === client) {
      this.#passOn()
    }
  }

  #beginQueue(): void {
    if (this.#quiet) return void this.#quiet.refresh()
    for (const client of this.#clients) this.#send(client, message.queued)
    this.#quiet = setTimeout(() => this.#endQueue(), quietTime).unref()
  }

  #endQueue(): void {
    if (this.#queue.size > 0) return void this.#quiet!.refresh()
    this.#quiet = undefined
    this.#holder = undefined
    for (const client of this.#clients) this.#send(client, message.open)
  }

  #passOn(): void {
    clearTimeout(this.#impatience)
    const [next] = this.#queue
    this.#holder = next
    this.#revoked = false
    if (next === undefined) return
    this.#queue.delete(next)
    this.#grants++
    this.#send(next, message.grant)
    if (this.#queue.size > 0) this.#revoke()
  }

  #revoke(): void {
    if (this.#revoked || this.#holder === undefined) return
    this.#revoked = true
    this.#send(this.#holder, message.revoke)
    this.#impatience = setTimeout(() => this.#passOn(), longestHold).unref()
  }

  #tell(status: number): void {
    this.#status = status
    for (const client of this.#clients) this.#send(client, status)
  }

  #send(client: Socket, byte: number): void {
    client.write(Buffer.of(byte))
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
