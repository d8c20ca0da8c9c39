import type { Duration, Size, StandardSchema } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import type { Realtime } from '../realtime.ts'
import type {
  ChannelTypes,
  MessageDeclaration,
  MessagesOf,
  RealtimeUser,
  SendDeclaration,
  SendsOf,
} from './channel-types.ts'

/** What a channel keeps; what is more goes, the oldest first. */
export interface ChannelRetention {
  /** Messages older than that. Default: that of Realtime, `'1d'`. `false`: no limit. */
  age?: Duration | false
  /** How many messages, for each channel. Default: that of Realtime, 10,000. `false`: no limit. */
  count?: number | false
  /** How many bytes of data, for each channel. Default: that of Realtime, `'64mb'`. `false`: no limit. */
  bytes?: Size | false
}

/** Who asks, and for what. */
export interface ChannelContext<Params, User> {
  /** What `authenticate` returned; `undefined` for somebody who is not known. */
  readonly user: User | undefined
  readonly params: Params
  /** Name of the channel: `room/1`. */
  readonly channel: string
  readonly database: Database
  /** For what concerns other channels, or rights. */
  readonly realtime: Realtime
}

/** Publishes a message of the channel itself; see `realtime.publish`. */
export type PublishHere<Messages extends ChannelTypes['messages']> = <Type extends keyof Messages & string>(
  type: Type,
  data: Messages[Type]['input'],
) => Promise<number | undefined>

/** What `authorize` gets. */
export interface AuthorizeContext<Params, User> extends ChannelContext<Params, User> {
  /** The request with which the connection began; `undefined` where there is none. */
  readonly request: Request | undefined
}

/** What `onSubscribe` and `onUnsubscribe` get. */
export interface SubscriptionContext<
  Params,
  User,
  Messages extends ChannelTypes['messages'] = ChannelTypes['messages'],
> extends ChannelContext<Params, User> {
  /** Id of the connection. */
  readonly connection: string
  readonly publish: PublishHere<Messages>
}

/** What `onMessage` gets: a message of a client, whose data fits its schema. */
export type ClientMessageContext<
  Params,
  Sends extends ChannelTypes['send'],
  User,
  Messages extends ChannelTypes['messages'] = ChannelTypes['messages'],
> = {
  [Type in keyof Sends & string]: ChannelContext<Params, User> & {
    readonly type: Type
    readonly data: Sends[Type]['output']
    /** Id of the connection; `undefined` for a message by POST. */
    readonly connection: string | undefined
    /** The transaction, where the option `transactional` is set. */
    readonly tx: Transaction | undefined
    readonly publish: PublishHere<Messages>
  }
}[keyof Sends & string]

/** What `defineChannel` takes. */
export interface ChannelOptions<
  Name extends string,
  Messages extends Record<string, MessageDeclaration>,
  Sends extends Record<string, SendDeclaration>,
  ParamsInput extends object,
  ParamsOutput extends object,
  User extends RealtimeUser,
> {
  /** Names of the channels: words between slashes, those with a colon are parameters: `'room/:id'`. */
  name: Name
  /** Checks the parameters that a name has (texts), and says what handlers get. Default: texts. Must not be asynchronous. */
  params?: StandardSchema<ParamsInput, ParamsOutput>
  /** What the server publishes, by type. */
  messages: Messages
  /** What clients send, by type. Default: nothing. */
  send?: Sends
  /** Everybody may subscribe. Without it there must be `authorize`. */
  public?: boolean
  /** Whether somebody may subscribe, and send; asked at each subscribe, each message, and by `realtime.reauthorize`. */
  authorize?: (context: AuthorizeContext<ParamsOutput, User>) => boolean | Promise<boolean>
  /** Handles a message of a client; what it returns is the answer. */
  onMessage?: (
    context: ClientMessageContext<ParamsOutput, SendsOf<Sends>, User, MessagesOf<Messages>>,
  ) => unknown
  /** Run `onMessage` inside one `database.write` together with the receipt: its changes happen exactly once. Default: `false`. */
  transactional?: boolean
  /** Called when somebody has subscribed. */
  onSubscribe?: (
    context: SubscriptionContext<ParamsOutput, User, MessagesOf<Messages>>,
  ) => void | Promise<void>
  /** Called when a subscription has ended, however it ended. */
  onUnsubscribe?: (
    context: SubscriptionContext<ParamsOutput, User, MessagesOf<Messages>>,
  ) => void | Promise<void>
  /** Whether it is known who is there; `user` says what is told of a user, besides what a client says itself. Default: `false`. */
  presence?: boolean | { user: (user: User) => unknown }
  /** What is kept for clients that come back. Default: that of Realtime. */
  retention?: ChannelRetention
  /**
   * What a client gets that subscribes from a position: everything since, or nothing (and a gap where there was something). `'latest'`:
   * the latest message only, and who comes without a position gets it too; the last message is kept however old it is. Default: `'all'`.
   */
  replay?: 'all' | 'latest' | 'none'
  /** Whether a message is for a user; asked for each subscriber, must be quick. Default: it is. */
  filter?: (
    message: { readonly type: keyof Messages & string; readonly data: unknown },
    user: User | undefined,
  ) => boolean
  /** Size limit of a message's data as JSON. Default: `messageSize` of Realtime, `'64kb'`. */
  maxMessage?: Size
}

/** Everything about a channel's types in one. */
export interface TypesOf<Messages, Sends, Input extends object, Output extends object> extends ChannelTypes {
  params: { input: Input; output: Output }
  messages: MessagesOf<Messages>
  send: SendsOf<Sends>
}
