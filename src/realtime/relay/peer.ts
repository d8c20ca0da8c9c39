import { connect, type Socket } from 'node:net'
import { FrameReader, framesOf, kind, type Frame } from './frames.ts'
import { longestSilence, mostBuffered, type Link, type LinkEvents } from './link.ts'

/** How long a hub may take to answer, in milliseconds: a process that stands still accepts, and says nothing. */
const answerTimeout = 500

/** A process that is connected with the others through the hub. */
export class Peer implements Link {
  readonly role = 'peer'
  readonly #events: LinkEvents
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  /** Settles the connecting, once. */
  readonly #answered: (isThere: boolean) => void
  #isThere = false
  #isClosed = false
  #peers = 0

  private constructor(path: string, events: LinkEvents, answered: (isThere: boolean) => void) {
    this.#events = events
    this.#answered = answered
    const socket = connect(path)
    this.#socket = socket
    socket.setTimeout(answerTimeout, () => socket.destroy())
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#end())
  }

  /** Connects with the hub; `undefined` when none answers. */
  static async open(path: string, events: LinkEvents): Promise<Peer | undefined> {
    let peer: Peer
    const isThere = await new Promise<boolean>((resolve) => {
      peer = new Peer(path, events, resolve)
    })
    return isThere ? peer! : undefined
  }

  get peers(): number {
    return this.#peers
  }

  write(frames: Buffer): boolean {
    if (this.#socket.writableLength + frames.length > mostBuffered) return false
    this.#socket.write(frames)
    return true
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    try {
      for (const frame of framesOf(this.#reader.push(bytes))) this.#handle(frame)
    } catch {
      this.#socket.destroy()
    }
  }

  #handle(frame: Frame): void {
    if (this.#isClosed) return
    if (frame.kind === kind.message) return this.#events.onMessage(frame)
    this.#peers = frame.peers
    if (frame.kind === kind.gone) this.#events.onGone()
    if (this.#isThere) return
    this.#isThere = true
    // Until then it keeps the process alive, which waits for the start.
    this.#socket.setTimeout(longestSilence).unref()
    this.#answered(true)
  }

  #end(): void {
    this.#answered(false)
    if (!this.#isThere || this.#isClosed) return
    this.#isClosed = true
    this.#events.onGone()
    this.#events.onEnd()
  }
}
