import type { EphemeralMessage } from './log/message.ts'
import type { Relay } from './relay/relay.ts'

/** The topic of messages that are not stored, in the relay. */
const topic = 'ephemeral'

/** Takes messages that are not stored to the clients of all processes, at most once: here at once, elsewhere by the relay. */
export class Ephemeral {
  readonly #relay: Relay | undefined
  readonly #deliver: (message: EphemeralMessage) => void
  #off: (() => void) | undefined
  #meeting: Promise<void> | undefined

  /** @param deliver Hands a message to the clients of this process. */
  constructor(relay: Relay | undefined, deliver: (message: EphemeralMessage) => void) {
    this.#relay = relay
    this.#deliver = deliver
  }

  start(): void {
    this.#off ??= this.#relay?.on(topic, (payload) => this.#deliver(parse(payload)))
  }

  stop(): void {
    this.#off?.()
    this.#off = undefined
  }

  /**
   * Sends a message to everybody who is connected. A process without clients meets the others when it has something to say for the first
   * time: then it resolves after that.
   */
  broadcast(message: EphemeralMessage): Promise<void> | undefined {
    this.#deliver(message)
    const relay = this.#relay
    if (relay === undefined) return undefined
    if (this.#off !== undefined) {
      relay.send(topic, format(message))
      return undefined
    }
    this.#meeting ??= relay.start()
    return this.#meeting.then(() => relay.send(topic, format(message)))
  }
}

/** Neither a channel's name nor a type has a line break. */
function format({ channel, type, data }: EphemeralMessage): string {
  return `${channel}\n${type}\n${data}`
}

function parse(payload: string): EphemeralMessage {
  const afterChannel = payload.indexOf('\n')
  const afterType = payload.indexOf('\n', afterChannel + 1)
  return {
    channel: payload.slice(0, afterChannel),
    type: payload.slice(afterChannel + 1, afterType),
    data: payload.slice(afterType + 1),
  }
}
