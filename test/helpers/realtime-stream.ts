import type { ChannelMessage, ServerMessage } from '../../src/realtime/protocol.ts'
import { waitUntil } from './wait-until.ts'

/** A client of an event stream that writes down what it is told. */
export class TestStream implements AsyncDisposable {
  readonly messages: ServerMessage[] = []
  readonly headers: Headers
  /** Of the last event that had one. */
  lastId = ''
  isEnded = false
  readonly #abort: AbortController
  readonly #reading: Promise<void>

  private constructor(response: Response, abort: AbortController) {
    this.headers = response.headers
    this.#abort = abort
    this.#reading = this.#read(response).catch(() => {})
  }

  /** Opens a stream; fails when the answer is none. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<TestStream> {
    const abort = new AbortController()
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream', ...headers },
      signal: abort.signal,
    })
    const type = response.headers.get('content-type') ?? ''
    if (!response.ok || !type.startsWith('text/event-stream'))
      throw new Error(`Expected an event stream, got ${response.status}: ${await response.text()}`)
    return new TestStream(response, abort)
  }

  /** What came of channels. */
  get received(): ChannelMessage[] {
    return this.messages.filter((message): message is ChannelMessage => 'channel' in message)
  }

  get offsets(): (number | undefined)[] {
    return this.received.map(({ offset }) => offset)
  }

  async untilReceived(count: number): Promise<void> {
    await waitUntil(`${count} messages are received`, () => this.received.length >= count)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
    await this.#reading
  }

  async #read(response: Response): Promise<void> {
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const events = text.split('\n\n')
      text = events.pop()!
      for (const event of events) this.#take(event)
    }
    this.isEnded = true
  }

  #take(event: string): void {
    for (const line of event.split('\n')) {
      if (line.startsWith('id: ')) this.lastId = line.slice(4)
      if (line.startsWith('data: ')) this.messages.push(JSON.parse(line.slice(6)) as ServerMessage)
    }
  }
}
