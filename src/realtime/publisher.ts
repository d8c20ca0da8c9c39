import { option, OptionsError } from '../core/index.ts'
import type { Channels } from './channels/channels.ts'
import type { AnyChannelDefinition } from './channels/define-channel.ts'
import { encodeMessage, type EncodedMessage } from './channels/encode-message.ts'
import { publishEvent } from './events.ts'
import type { Log } from './log/log.ts'
import { controlChannel, type ControlMessages, type EphemeralMessage } from './log/message.ts'

/** What a publisher needs. */
export interface PublisherOptions {
  log: Log
  channels: Channels
  /** Size limit of a message where its channel has none, in bytes. */
  messageSize: number
  /** Takes a message that is not stored to everybody who is connected. */
  broadcast: (message: EphemeralMessage) => Promise<void> | undefined
}

/** Checks messages and gives them to the log, or, those that are not stored, to whoever is connected. */
export class Publisher {
  readonly #options: PublisherOptions

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Publishes a message; resolves with its offset, or `undefined` when it is ephemeral. What is refused throws at once. */
  publish(
    definition: AnyChannelDefinition,
    params: object,
    type: string,
    data: unknown,
  ): Promise<number | undefined> {
    return this.#publish(this.#options.channels.nameOf(definition, params), definition, type, data)
  }

  /** The same for a channel that is known by its name. */
  publishTo(channel: string, type: string, data: unknown): Promise<number | undefined> {
    const match = this.#options.channels.match(channel)
    if (match !== undefined) return this.#publish(channel, match.definition, type, data)
    throw new OptionsError('HANDCAR_REALTIME_CHANNEL', `There is no channel ${option.describe(channel)}`)
  }

  #publish(
    channel: string,
    definition: AnyChannelDefinition,
    type: string,
    data: unknown,
  ): Promise<number | undefined> {
    const { messageSize } = this.#options
    const encoded = encodeMessage(definition, type, data, messageSize)
    return encoded instanceof Promise
      ? encoded.then((each) => this.#send(channel, type, each))
      : this.#send(channel, type, encoded)
  }

  /** Tells every process something about rights, at this place of the log. Resolves when it is committed. */
  async control<Type extends keyof ControlMessages>(
    type: Type,
    target: ControlMessages[Type],
  ): Promise<void> {
    await this.#options.log.publish(controlChannel, type, JSON.stringify(target))
  }

  #send(channel: string, type: string, { data, ephemeral }: EncodedMessage): Promise<number | undefined> {
    const { log, broadcast } = this.#options
    const sent: Promise<number | undefined> = ephemeral
      ? Promise.resolve(broadcast({ channel, type, data })).then(() => undefined)
      : log.publish(channel, type, data)
    if (!publishEvent.hasSubscribers) return sent
    return sent.then((offset) => {
      publishEvent.publish({ channel, type, offset })
      return offset
    })
  }
}
