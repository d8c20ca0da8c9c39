import { once } from 'node:events'
import { chmod, stat, unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { FileLock } from '../../database/index.ts'
import { encodeCount, FrameReader, framesOf, kind } from './frames.ts'
import { heartbeatInterval, mostBuffered, type Link, type LinkEvents } from './link.ts'

/**
 * The process that the others are connected to: it hands on what comes from one to all others, as the bytes that came.
 *
 * Whoever holds the lock `<database>.relay-lock` is the hub, and nobody else touches the socket's file: two processes that
 * find a dead socket at the same moment cannot each remove what the other has just bound. The kernel lets the lock go when the process
 * ends. Should somebody remove the socket's file, the hub notices and steps down, so that all meet again.
 */
export class Hub implements Link {
  readonly role = 'hub'
  readonly #path: string
  readonly #lock: FileLock
  readonly #events: LinkEvents
  readonly #server: Server
  readonly #peers = new Set<Socket>()
  #inode = 0
  #isOver = false
  #heartbeat: NodeJS.Timeout | undefined

  private constructor(path: string, lock: FileLock, events: LinkEvents) {
    this.#path = path
    this.#lock = lock
    this.#events = events
    this.#server = createServer((socket) => this.#accept(socket))
  }

  /**
   * Becomes the hub; `undefined` when another process is.
   *
   * @param path Path of the socket.
   * @param lockPath Path of the lock that the hub holds.
   */
  static async open(path: string, lockPath: string, events: LinkEvents): Promise<Hub | undefined> {
    const lock = FileLock.acquire(lockPath)
    if (lock === undefined) return undefined
    const hub = new Hub(path, lock, events)
    try {
      await hub.#listen()
      return hub
    } catch (error) {
      await hub.close()
      throw error
    }
  }

  get peers(): number {
    return this.#peers.size
  }

  write(frames: Buffer): boolean {
    this.#handOn(frames, undefined)
    return true
  }

  async close(): Promise<void> {
    this.#isOver = true
    clearInterval(this.#heartbeat)
    for (const peer of this.#peers) peer.destroy()
    this.#peers.clear()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
    this.#lock[Symbol.dispose]()
  }

  async #listen(): Promise<void> {
    await unlink(this.#path).catch(() => {})
    this.#server.listen(this.#path)
    await once(this.#server, 'listening')
    await chmod(this.#path, 0o600)
    this.#inode = (await stat(this.#path)).ino
    this.#server.on('error', () => this.#end()).unref()
    this.#heartbeat = setInterval(() => void this.#beat(), heartbeatInterval).unref()
  }

  async #beat(): Promise<void> {
    this.#tell(kind.count)
    const inode = await stat(this.#path).then(
      ({ ino }) => ino,
      () => undefined,
    )
    if (inode !== this.#inode) this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#events.onEnd()
  }

  #accept(peer: Socket): void {
    const reader = new FrameReader()
    this.#peers.add(peer.unref())
    this.#tell(kind.count)
    peer.on('data', (bytes: Buffer) => {
      try {
        this.#receive(reader.push(bytes), peer)
      } catch {
        peer.destroy()
      }
    })
    peer.on('error', () => peer.destroy())
    peer.on('close', () => {
      if (!this.#peers.delete(peer)) return
      this.#tell(kind.gone)
      this.#events.onGone()
    })
  }

  #receive(run: Buffer, from: Socket): void {
    if (run.length === 0) return
    const messages = [...framesOf(run)].map((frame) => {
      if (frame.kind === kind.message) return frame
      throw new RangeError('Only the hub counts')
    })
    this.#handOn(run, from)
    for (const message of messages) this.#events.onMessage(message)
  }

  #tell(which: typeof kind.count | typeof kind.gone): void {
    this.#handOn(encodeCount(which, this.#peers.size), undefined)
  }

  #handOn(bytes: Buffer, from: Socket | undefined): void {
    for (const peer of this.#peers) {
      if (peer === from || peer.destroyed) continue
      if (peer.writableLength + bytes.length <= mostBuffered) peer.write(bytes)
      else this.#drop(peer)
    }
  }

  #drop(peer: Socket): void {
    peer.destroy()
    this.#events.onDropped()
  }
}
