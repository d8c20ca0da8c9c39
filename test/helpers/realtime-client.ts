import { WebSocket, type ClientOptions } from 'ws'
import type { ChannelMessage, ClientMessage, ServerMessage } from '../../src/realtime/protocol.ts'
import { subprotocol } from '../../src/realtime/protocol.ts'
import { waitUntil } from './wait-until.ts'

/** A client that writes down what it is told. */
export class TestClient implements Disposable {
  readonly socket: WebSocket
  readonly messages: ServerMessage[] = []
  closed: { code: number; reason: string } | undefined
  #id = 0

  constructor(url: string, options: ClientOptions = {}) {
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), subprotocol, {
      perMessageDeflate: false,
      ...options,
    })
    this.socket.on('message', (data) => this.messages.push(JSON.parse((data as Buffer).toString())))
    this.socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }))
    this.socket.on('error', () => {})
  }

  /** A client that is connected and welcome. */
  static async connect(url: string, options?: ClientOptions): Promise<TestClient> {
    const client = new TestClient(url, options)
    await client.until('a welcome', 'welcome')
    return client
  }

  /** A client of some channels, whose subscribes are answered. */
  static async of(url: string, ...channels: string[]): Promise<TestClient> {
    const client = await TestClient.connect(url)
    for (const channel of channels) await client.subscribe(channel)
    return client
  }

  say(message: ClientMessage): void {
    this.socket.send(JSON.stringify(message))
  }

  /** Subscribes and waits for the answer, which may be an error. */
  async subscribe(channel: string, more: { from?: string; presence?: unknown } = {}): Promise<ServerMessage> {
    const id = ++this.#id
    this.say({ subscribe: channel, id, ...more })
    return this.answer(id)
  }

  /** Sends and waits for the answer, which may be an error. */
  async send(channel: string, type: string, data: unknown, key?: string): Promise<ServerMessage> {
    const id = ++this.#id
    this.say({ send: channel, type, data, id, ...(key !== undefined && { key }) })
    return this.answer(id)
  }

  /** The first answer to a request. */
  async answer(id: number): Promise<ServerMessage> {
    const find = () =>
      this.messages.find(
        (message) => ('id' in message && message.id === id) || ('ack' in message && message.ack === id),
      )
    await waitUntil(`an answer to ${id}`, find)
    return find()!
  }

  /** Waits until something with this property has come, and returns the last of them. */
  async until<Key extends string>(
    name: string,
    key: Key,
  ): Promise<Extract<ServerMessage, Record<Key, unknown>>> {
    await waitUntil(name, () => this.messages.some((message) => key in message))
    return this.messages.findLast((message) => key in message) as Extract<ServerMessage, Record<Key, unknown>>
  }

  async untilClosed(): Promise<{ code: number; reason: string }> {
    await waitUntil('the connection is closed', () => this.closed)
    return this.closed!
  }

  /** What came of channels. */
  get received(): ChannelMessage[] {
    return this.messages.filter((message): message is ChannelMessage => 'channel' in message)
  }

  get offsets(): (number | undefined)[] {
    return this.received.map(({ offset }) => offset)
  }

  get data(): unknown[] {
    return this.received.map(({ data }) => data)
  }

  async untilReceived(count: number, timeout?: number): Promise<void> {
    await waitUntil(`${count} messages are received`, () => this.received.length >= count, timeout)
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }
}
