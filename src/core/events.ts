import { channel } from 'node:diagnostics_channel'

/** An event that any code of the process can subscribe to by its name, through `node:diagnostics_channel`. */
export interface Event<Message extends object> {
  /** Name of the channel: `handcar.<part>.<verb>`. */
  readonly name: string
  /** Whether anybody listens; building a message for nobody can be skipped. */
  readonly hasSubscribers: boolean
  /** Hands the message to every subscriber, at once; a subscriber that throws does not disturb the publisher. */
  publish(message: Message): void
}

/** Declares an event. Subscribe with `diagnostics_channel.subscribe(name, listener)`. */
export function defineEvent<Message extends object>(name: `handcar.${string}.${string}`): Event<Message> {
  return channel(name) as Event<Message>
}
