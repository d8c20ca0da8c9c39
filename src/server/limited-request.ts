import { IncomingMessage } from 'node:http'

/** How long the rest of a body that is refused may go on coming, so that the client reads the answer. In milliseconds. */
const lingerTime = 1_000

/** The body of a request was larger than the limit; the app sees it when it reads the body. */
class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/**
 * Node's request with a body that has a limit. What comes after the limit is thrown away as it arrives: a connection that
 * is closed while its client still sends is reset, and the client would not see why.
 */
export class LimitedRequest extends IncomingMessage {
  /** In bytes. */
  bodyLimit = Infinity
  isTooLarge = false
  #received = 0

  /** Whether the request announces more than the limit. */
  get announcesTooMuch(): boolean {
    const length = this.headers['content-length']
    return length !== undefined && Number(length) > this.bodyLimit
  }

  /** Throws the body away from now on, and after a moment the connection, unless the body has ended by then. */
  refuseBody(): void {
    this.isTooLarge = true
    const { socket } = this
    setTimeout(() => {
      if (!this.complete) socket.destroy()
    }, lingerTime).unref()
  }

  /** Node's parser hands over each piece of the body here. */
  override push(chunk: Buffer | null, encoding?: BufferEncoding): boolean {
    if (chunk === null) return super.push(null)
    if (this.isTooLarge) return true
    this.#received += chunk.length
    if (this.#received <= this.bodyLimit) return super.push(chunk, encoding)
    this.refuseBody()
    this.on('error', () => {})
    this.destroy(new BodyTooLargeError(`The body of the request is larger than ${this.bodyLimit} bytes`))
    return true
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Node's own would destroy the connection, and with it the answer.
    if (this.isTooLarge) callback(error)
    else super._destroy(error, callback)
  }
}
