import { frameText } from '../websocket/frame.ts'
import { deflate, worthDeflating } from '../websocket/deflate.ts'
import { eventOf } from '../sse/event.ts'

/**
 * JSON texts on their way to many clients: framed once for each kind of transport, when the first client of that kind needs them, and
 * then the same bytes for all. Several texts are framed into one buffer, so that each socket costs one write however many
 * messages the slice has.
 */
export class Packet {
  readonly #texts: readonly string[]
  readonly #idOf: ((index: number) => string) | undefined
  #webSocket: Buffer | undefined
  #deflated: Buffer | undefined
  #events: Buffer | undefined

  /** @param idOf The position of each, which is the id of its event in an event stream. */
  constructor(texts: readonly string[], idOf?: (index: number) => string) {
    this.#texts = texts
    this.#idOf = idOf
  }

  /** One message of the protocol. */
  static of(message: object, id?: string): Packet {
    return new Packet([JSON.stringify(message)], id === undefined ? undefined : () => id)
  }

  /** How many messages it is. */
  get count(): number {
    return this.#texts.length
  }

  /** The messages, as JSON. */
  get texts(): readonly string[] {
    return this.#texts
  }

  /** Frames of WebSockets. */
  get webSocket(): Buffer {
    return (this.#webSocket ??= join(this.#texts.map((text) => frameText(Buffer.from(text)))))
  }

  /** The same for connections that have agreed to permessage-deflate: what is large enough is compressed. */
  get deflated(): Buffer {
    return (this.#deflated ??= this.#texts.some((text) => worthDeflating(text))
      ? join(this.#texts.map((text) => frameOf(text)))
      : this.webSocket)
  }

  /** Events of an event stream. */
  get events(): Buffer {
    return (this.#events ??= Buffer.from(
      this.#texts.map((text, index) => eventOf(text, this.#idOf?.(index))).join(''),
    ))
  }
}

function frameOf(text: string): Buffer {
  return worthDeflating(text) ? frameText(deflate(text), true) : frameText(Buffer.from(text))
}

function join(frames: Buffer[]): Buffer {
  return frames.length === 1 ? frames[0]! : Buffer.concat(frames)
}
