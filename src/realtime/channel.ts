import { option, readOptions } from '../core/index.ts'
import type { ChannelTypes } from './channels/channel-types.ts'
import type { Log } from './log/log.ts'
import type { StoredMessage } from './log/message.ts'
import { formatPosition, parsePosition, type PositionText, type PresenceEntry } from './protocol.ts'

/** A message as {@link Channel.history} returns it. */
export type HistoryMessage<Types extends ChannelTypes> = {
  [Type in keyof Types['messages'] & string]: {
    /** Its place in the log. */
    offset: number
    type: Type
    data: Types['messages'][Type]['output']
    /** Milliseconds since 1970. */
    createdAt: number
  }
}[keyof Types['messages'] & string]

/** Options of {@link Channel.history}. */
export interface HistoryOptions {
  /** Those after this position or offset. Default: the latest. */
  after?: PositionText | number
  /** How many at most. Default: 100. */
  limit?: number
}

/** What `publish` resolves with: the offset of the message; `undefined` for one that is not stored. */
export type Published<
  Types extends ChannelTypes,
  Type extends keyof Types['messages'],
> = Types['messages'][Type]['ephemeral'] extends true ? undefined : number

/** What a channel needs. */
export interface ChannelParts {
  log: Log
  publish: (type: string, data: unknown) => Promise<number | undefined>
  presence: (name: string) => PresenceEntry[]
}

/** One channel: `realtime.channel(room, { id: 1 })`. */
// oxlint-disable-next-line typescript/no-explicit-any -- any is what accepts all channels
export class Channel<Types extends ChannelTypes = any> {
  /** Its name: `room/1`. */
  readonly name: string
  readonly #parts: ChannelParts

  /** @internal */
  constructor(name: string, parts: ChannelParts) {
    this.name = name
    this.#parts = parts
  }

  /** Publishes a message; see `realtime.publish`. */
  publish<Type extends keyof Types['messages'] & string>(
    type: Type,
    data: Types['messages'][Type]['input'],
  ): Promise<Published<Types, Type>> {
    return this.#parts.publish(type, data) as Promise<Published<Types, Type>>
  }

  /** From where a client subscribes that gets the state as it is now; inside a body of `database.read`, as that sees it. */
  position(): PositionText {
    return formatPosition(this.#parts.log.position())
  }

  /** Who is there, in all processes. */
  presence(): PresenceEntry[] {
    return this.#parts.presence(this.name)
  }

  /**
   * The messages that are kept, in order: the latest, or those after a position.
   *
   * @throws OptionsError
   */
  history(options?: HistoryOptions): HistoryMessage<Types>[] {
    const { log } = this.#parts
    const { after, limit } = readOptions('channel.history', options, {
      after: readAfter,
      limit: option.integer(100, { min: 1, max: 100_000 }),
    })
    const messages =
      after === undefined
        ? log.before(this.name, Number.MAX_SAFE_INTEGER, limit)
        : log.after(this.name, after, limit)
    return messages.map(decode) as HistoryMessage<Types>[]
  }
}

function decode({ offset, type, data, createdAt }: StoredMessage) {
  return { offset, type, data: JSON.parse(data) as unknown, createdAt }
}

function readAfter(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  const offset = typeof value === 'string' ? parsePosition(value)?.offset : value
  if (Number.isSafeInteger(offset)) return offset as number
  throw option.invalidOption(name, 'a position or an offset', value)
}
