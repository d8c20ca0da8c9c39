import type { Packet } from '../connections/packet.ts'
import type { Transport } from '../connections/transport.ts'

/** A comment, which clients skip (HTML Standard, 9.2.5). */
const comment = Buffer.from(':\n\n')

/**
 * Carries messages as the body of an answer. What the answer has not asked for yet waits here, and is handed over in one chunk when
 * it asks: so what waits is counted, and a slow client costs few chunks.
 */
export class EventStreamTransport implements Transport {
  readonly kind = 'sse'
  readonly body: ReadableStream<Uint8Array>
  readonly #closed: () => void
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #waiting: Buffer[] = []
  #taken: (() => void)[] = []
  #buffered = 0
  #handedOver = 0
  /** Whether somebody reads and has got nothing yet. */
  #isAsked = false
  #isCorked = false
  #isEnding = false
  #isOpen = true

  /** @param closed Called once, when the stream has ended, whoever ended it. */
  constructor(closed: () => void) {
    this.#closed = closed
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#asked(),
        cancel: () => this.#close(),
      },
      // Without a queue of its own `pull` is called exactly when somebody reads.
      { highWaterMark: 0 },
    )
  }

  get buffered(): number {
    return this.#buffered
  }

  get progress(): number {
    return this.#handedOver
  }

  write(packet: Packet, taken?: () => void): void {
    this.#write(packet.events, taken)
  }

  cork(): void {
    this.#isCorked = true
  }

  uncork(): void {
    this.#isCorked = false
    this.#flush()
  }

  probe(taken?: () => void): void {
    this.#write(comment, taken)
  }

  /** What a client sends does not come this way. */
  pause(): void {}
  resume(): void {}

  end(): void {
    this.#isEnding = true
    this.#flush()
  }

  destroy(): void {
    if (!this.#isOpen) return
    // With this code the adapter of the server breaks the connection off without logging an error of the app.
    const error = Object.assign(new Error('The event stream was cut off'), {
      code: 'ERR_STREAM_PREMATURE_CLOSE',
    })
    this.#controller.error(error)
    this.#close()
  }

  /** The client has gone: nobody is left to be told. */
  leave(): void {
    if (!this.#isOpen) return
    this.#controller.close()
    this.#close()
  }

  #write(bytes: Buffer, taken: (() => void) | undefined): void {
    if (!this.#isOpen || this.#isEnding) return taken?.()
    this.#waiting.push(bytes)
    this.#buffered += bytes.length
    if (taken !== undefined) this.#taken.push(taken)
    if (!this.#isCorked) this.#flush()
  }

  #asked(): void {
    this.#isAsked = true
    this.#flush()
  }

  /** Hands over what waits, if somebody reads. */
  #flush(): void {
    if (!this.#isOpen) return
    if (this.#buffered > 0 && this.#isAsked) this.#handOver()
    if (this.#buffered > 0 || !this.#isEnding) return
    this.#controller.close()
    this.#close()
  }

  #handOver(): void {
    const waiting = this.#waiting
    this.#isAsked = false
    this.#waiting = []
    this.#handedOver += this.#buffered
    this.#buffered = 0
    this.#controller.enqueue(waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting))
    this.#callTaken()
  }

  /** Calls are made when everything is in order again, because they may write. */
  #callTaken(): void {
    const taken = this.#taken
    this.#taken = []
    for (const each of taken) each()
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#waiting = []
    this.#buffered = 0
    this.#callTaken()
    this.#closed()
  }
}
