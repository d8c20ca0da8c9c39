import type { Log } from './log.ts'
import type { StoredMessage } from './message.ts'

/** What a message costs beside its text, in bytes: an estimate. */
const overhead = 200

/** How many messages are loaded at once. */
const atOnce = 256

/** Messages in order, of which the oldest are taken out first. */
class Line {
  readonly #messages: StoredMessage[] = []
  #head = 0

  get first(): StoredMessage | undefined {
    return this.#messages[this.#head]
  }

  push(message: StoredMessage): void {
    this.#messages.push(message)
  }

  shift(): void {
    this.#head += 1
    // What is gone is cut off only now and then: each time it would move all the others.
    if (this.#head * 2 < this.#messages.length) return
    this.#messages.splice(0, this.#head)
    this.#head = 0
  }

  after(offset: number, limit: number): StoredMessage[] {
    let [low, high] = [this.#head, this.#messages.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#messages[middle]!.offset > offset) high = middle
      else low = middle + 1
    }
    return this.#messages.slice(low, low + limit)
  }
}

/** The latest messages of the log in memory, as many as fit, so that clients that come back together read them without the disk. */
export class Recent {
  readonly #limit: number
  readonly #all = new Line()
  readonly #channels = new Map<string, Line>()
  #since: number
  #bytes = 0
  #count = 0

  /**
   * @param limit How many bytes.
   * @param since All messages after this offset are to be added.
   */
  constructor(limit: number, since: number) {
    this.#limit = limit
    this.#since = since
  }

  /** The latest messages of a log up to an offset. */
  static load(log: Log, limit: number, upTo: number): Recent {
    const loaded: StoredMessage[] = []
    let bytes = 0
    let since = upTo
    while (bytes <= limit) {
      const messages = log.latest(since, atOnce)
      loaded.push(...messages)
      for (const message of messages) bytes += sizeOf(message)
      since = (messages.at(-1)?.offset ?? 0) - 1
      if (messages.length < atOnce) since = 0
      if (since <= 0) break
    }
    const recent = new Recent(limit, Math.max(0, since))
    for (const message of loaded.toReversed()) recent.add(message)
    return recent
  }

  /** All messages after this offset are here. */
  get since(): number {
    return this.#since
  }

  /** How many there are, and about how many bytes they take up. */
  get size(): { messages: number; bytes: number } {
    return { messages: this.#count, bytes: this.#bytes }
  }

  /** Adds the message after the last one. */
  add(message: StoredMessage): void {
    this.#all.push(message)
    const line = this.#channels.get(message.channel) ?? new Line()
    this.#channels.set(message.channel, line)
    line.push(message)
    this.#bytes += sizeOf(message)
    this.#count += 1
    while (this.#bytes > this.#limit) this.#drop()
  }

  /** The messages of a channel after an offset, in order; `undefined` when not all of them are here. */
  after(channel: string, offset: number, limit: number): StoredMessage[] | undefined {
    if (offset < this.#since) return undefined
    return this.#channels.get(channel)?.after(offset, limit) ?? []
  }

  #drop(): void {
    const message = this.#all.first!
    const line = this.#channels.get(message.channel)!
    this.#all.shift()
    line.shift()
    if (line.first === undefined) this.#channels.delete(message.channel)
    this.#bytes -= sizeOf(message)
    this.#count -= 1
    this.#since = message.offset
  }
}

/** About how many bytes a message takes up in memory. */
export function sizeOf({ channel, type, data }: StoredMessage): number {
  return overhead + channel.length + type.length + data.length
}
