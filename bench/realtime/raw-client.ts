import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { bodyLength, findBody, isBody } from './body.ts'
import type { Dialect } from './dialects.ts'

/** What a client tells whoever started it. */
export interface ClientEvents {
  /** All channels are subscribed. */
  ready(client: RawClient): void
  /** A message: its body begins there. */
  message(client: RawClient, bytes: Buffer, start: number): void
  /** It cannot go on. */
  failed(client: RawClient, error: Error): void
}

/** Where a client connects, and what it wants. */
export interface ClientPlan {
  readonly port: number
  readonly channels: readonly string[]
  /** Where it resumes. */
  readonly from?: string | undefined
}

const [text, ping, close] = [1, 9, 8]
const headEnd = Buffer.from('\r\n\r\n')
/** All clients read into the same memory: what they need later is copied. */
const shared = Buffer.allocUnsafe(262_144)

/**
 * A client on a bare socket, so that 1,000 of them in one process take as little as possible of the machine that they share with the
 * server, and the same for every system: it takes frames apart and looks where their bodies are.
 */
export class RawClient {
  /** The last number that came, by channel. */
  readonly numbers: number[]
  readonly #dialect: Dialect
  readonly #plan: ClientPlan
  readonly #events: ClientEvents
  readonly #socket: Socket
  #rest: Buffer | undefined
  #isOpen = false
  #subscribed = 0
  #isOver = false

  constructor(dialect: Dialect, plan: ClientPlan, numbers: readonly number[], events: ClientEvents) {
    const { port, channels, from } = plan
    this.#dialect = dialect
    this.#plan = plan
    this.#events = events
    this.numbers = [...numbers]
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: shared, callback: (count) => this.#read(shared.subarray(0, count)) },
    })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('The server has closed a connection')))
    this.#socket.write(dialect.request(port, channels, from))
  }

  /** Cuts the connection off, as a network does. */
  destroy(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #read(chunk: Buffer): boolean {
    try {
      const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
      const used = this.#isOpen ? this.#take(bytes, 0) : this.#open(bytes)
      this.#rest = used < bytes.length ? Buffer.from(bytes.subarray(used)) : undefined
    } catch (error) {
      this.#fail(error as Error)
    }
    return true
  }

  #open(bytes: Buffer): number {
    const end = bytes.indexOf(headEnd)
    if (end === -1) return 0
    const status = bytes.toString('latin1', 9, 12)
    if (status !== (this.#dialect.isWebSocket ? '101' : '200')) throw new Error(`The answer was ${status}`)
    this.#isOpen = true
    for (const line of this.#dialect.greet?.(this.#plan.channels) ?? []) this.#write(text, Buffer.from(line))
    return this.#take(bytes, end + headEnd.length)
  }

  /** Returns how many bytes it has used. */
  #take(bytes: Buffer, start: number): number {
    return this.#dialect.isWebSocket ? this.#frames(bytes, start) : this.#stream(bytes, start)
  }

  #frames(bytes: Buffer, start: number): number {
    for (let at = start; ;) {
      if (bytes.length < at + 2) return at
      const short = bytes[at + 1]!
      const head = short < 126 ? 2 : short === 126 ? 4 : 10
      if (bytes.length < at + head) return at
      const length =
        head === 2 ? short : head === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
      const end = at + head + length
      if (bytes.length < end) return at
      this.#frame(bytes, bytes[at]! & 15, at + head, end)
      at = end
    }
  }

  #frame(bytes: Buffer, opcode: number, start: number, end: number): void {
    if (opcode === ping) this.#write(10, bytes.subarray(start, end))
    else if (opcode === close) throw new Error(`The server says ${bytes.toString('utf8', start + 2, end)}`)
    else if (opcode !== text) throw new Error(`There is a frame ${opcode}`)
    // After the body every system closes one bracket.
    else if (isBody(bytes, end - 1 - bodyLength)) this.#events.message(this, bytes, end - 1 - bodyLength)
    else this.#react(bytes.toString('utf8', start, end))
  }

  /** The frames of chunked bodies are passed over, as what does not belong to messages. */
  #stream(bytes: Buffer, start: number): number {
    if (this.#subscribed === 0) {
      if (!this.#dialect.isReady!(bytes.toString('latin1', start), this.#plan.channels.length)) return start
      this.#subscribed = this.#plan.channels.length
      this.#events.ready(this)
    }
    for (let at = start; ;) {
      const next = findBody(bytes, at)
      if (next === -1) return Math.max(at, bytes.length - 5)
      if (bytes.length < next + bodyLength) return next
      this.#events.message(this, bytes, next)
      at = next + bodyLength
    }
  }

  #react(said: string): void {
    const { channels, from } = this.#plan
    const { say = [], subscribed = 0, failure } = this.#dialect.react!(said, channels, from)
    if (failure !== undefined) throw new Error(`The server says ${failure}`)
    for (const line of say) this.#write(text, Buffer.from(line))
    if (subscribed === 0) return
    this.#subscribed += subscribed
    if (this.#subscribed === channels.length) this.#events.ready(this)
  }

  /** Clients mask what they send. */
  #write(opcode: number, payload: Buffer): void {
    const mask = randomBytes(4)
    const head = Buffer.of(0x80 | opcode, 0x80 | payload.length, ...mask)
    if (payload.length > 125) throw new Error('Only short messages are sent')
    this.#socket.write(Buffer.concat([head, payload.map((byte, index) => byte ^ mask[index % 4]!)]))
  }

  #fail(error: Error): void {
    if (this.#isOver) return
    this.destroy()
    this.#events.failed(this, error)
  }
}
