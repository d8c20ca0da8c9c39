import { isStandardSchema, option, OptionsError, readOptions, type StandardSchema } from '../../core/index.ts'
import type {
  AuthorizeContext,
  ChannelOptions,
  ClientMessageContext,
  SubscriptionContext,
  TypesOf,
} from './channel-options.ts'
import type {
  ChannelTypes,
  MatchedParametersOf,
  MessageDeclaration,
  ParametersOf,
  RealtimeUser,
  SendDeclaration,
} from './channel-types.ts'
import { Pattern } from './pattern.ts'
import { readDeclarations } from './read-declarations.ts'
import { readChannelRetention, type ResolvedRetention } from './retention.ts'

/** Of a channel whose clients send nothing. */
// oxlint-disable-next-line typescript/no-empty-object-type -- it has no key, and so no type of message
type NoSends = {}

/** A message that the server publishes. */
export interface MessageDefinition {
  readonly schema: StandardSchema
  readonly ephemeral: boolean
}

/** A message that clients send. */
export interface SendDefinition {
  readonly schema: StandardSchema
  readonly result: StandardSchema | undefined
}

/** A kind of channels, as server and client know it. Made by {@link defineChannel}. */
export class ChannelDefinition<
  Name extends string = string,
  // oxlint-disable-next-line typescript/no-explicit-any -- any is what accepts all definitions
  Types extends ChannelTypes = any,
  User extends RealtimeUser = RealtimeUser,
> {
  /** The pattern of the names: `room/:id`. */
  readonly name: Name
  /** What the server publishes, by type. */
  readonly messages: ReadonlyMap<string, MessageDefinition>
  /** What clients send, by type. */
  readonly send: ReadonlyMap<string, SendDefinition>
  readonly replay: 'all' | 'latest' | 'none'
  /** What is kept; `undefined` in a field: that of Realtime. */
  readonly retention: Partial<ResolvedRetention>
  /** Size limit of a message, in bytes; `undefined`: that of Realtime. */
  readonly maxMessage: number | undefined
  readonly transactional: boolean
  /** Whether it is known who is there. */
  readonly hasPresence: boolean
  /** @internal */
  readonly pattern: Pattern
  /** @internal Makes of the texts of a name what handlers get. */
  readonly params: StandardSchema | undefined
  /** @internal `undefined`: everybody may. */
  readonly authorize:
    | ((context: AuthorizeContext<Types['params']['output'], User>) => boolean | Promise<boolean>)
    | undefined
  /** @internal */
  readonly onMessage:
    | ((
        context: ClientMessageContext<Types['params']['output'], Types['send'], User, Types['messages']>,
      ) => unknown)
    | undefined
  /** @internal */
  readonly onSubscribe:
    | ((
        context: SubscriptionContext<Types['params']['output'], User, Types['messages']>,
      ) => void | Promise<void>)
    | undefined
  /** @internal */
  readonly onUnsubscribe:
    | ((
        context: SubscriptionContext<Types['params']['output'], User, Types['messages']>,
      ) => void | Promise<void>)
    | undefined
  /** @internal */
  readonly presentUser: ((user: User) => unknown) | undefined
  /** @internal */
  readonly filter:
    | ((message: { readonly type: string; readonly data: unknown }, user: User | undefined) => boolean)
    | undefined
  /** Only for the types. */
  declare readonly types: Types

  /** @internal */
  constructor(options: object) {
    const given = readOptions('defineChannel', options, {
      name: option.text(),
      params: readSchema,
      messages: (value, name) => readDeclarations(value, name, { ephemeral: option.flag(false) }),
      send: (value, name) => readDeclarations(value ?? {}, name, { result: readSchema }),
      public: option.flag(false),
      authorize: readFunction,
      onMessage: readFunction,
      transactional: option.flag(false),
      onSubscribe: readFunction,
      onUnsubscribe: readFunction,
      presence: readPresence,
      retention: readChannelRetention,
      replay: option.oneOf<'all' | 'latest' | 'none'>(['all', 'latest', 'none'], 'all'),
      filter: readFunction,
      maxMessage: option.optional(option.size(0)),
    })
    const owner = `Channel "${given.name}" option`
    this.pattern = new Pattern(given.name, `${owner} "name"`)
    if (given.public && given.authorize !== undefined)
      throw new OptionsError(
        'HANDCAR_OPTION_INVALID',
        `${owner} "authorize": expected either public: true or authorize, got both`,
      )
    if (!given.public && given.authorize === undefined)
      throw option.invalidOption(`${owner} "authorize"`, 'a function, or else public: true', undefined)
    if (given.send.size > 0 && given.onMessage === undefined)
      throw option.invalidOption(
        `${owner} "onMessage"`,
        'a function that handles what `send` takes',
        undefined,
      )
    if (given.send.size === 0 && given.onMessage !== undefined)
      throw option.invalidOption(`${owner} "send"`, 'the messages that onMessage handles', undefined)
    this.name = given.name as Name
    this.params = given.params
    this.messages = given.messages
    this.send = given.send
    this.replay = given.replay
    this.retention = given.retention
    this.maxMessage = given.maxMessage
    this.transactional = given.transactional
    this.hasPresence = given.presence !== false
    this.presentUser = given.presence === false ? undefined : (given.presence.user as this['presentUser'])
    this.authorize = given.authorize as this['authorize']
    this.onMessage = given.onMessage as this['onMessage']
    this.onSubscribe = given.onSubscribe as this['onSubscribe']
    this.onUnsubscribe = given.onUnsubscribe as this['onUnsubscribe']
    this.filter = given.filter as this['filter']
  }

  /**
   * The name of one channel.
   *
   * @throws OptionsError `HANDCAR_REALTIME_CHANNEL`
   */
  nameOf(params: Types['params']['input']): string {
    return this.pattern.nameOf(params as Record<string, unknown>)
  }
}

/** Any definition, whatever its types. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export type AnyChannelDefinition = ChannelDefinition<string, any, any>

/**
 * Defines a kind of channels: one value that the server publishes to, and that gives the client its types.
 *
 * ```ts
 * const room = defineChannel({
 *   name: 'room/:id',
 *   messages: { posted: z.object({ id: z.number() }), typing: { schema: z.object({ name: z.string() }), ephemeral: true } },
 *   send: { say: z.object({ text: z.string() }) },
 *   authorize: ({ user, params }) => user !== undefined && isMember(user.id, params.id),
 *   onMessage: ({ data, publish }) => publish('posted', { id: save(data.text) }),
 * })
 * await realtime.publish(room, { id: 1 }, 'posted', { id: 42 })
 * ```
 *
 * @throws OptionsError
 */
export function defineChannel<
  const Name extends string,
  const Messages extends Record<string, MessageDeclaration>,
  const Sends extends Record<string, SendDeclaration> = NoSends,
  ParamsInput extends object = ParametersOf<Name>,
  ParamsOutput extends object = MatchedParametersOf<Name>,
  User extends RealtimeUser = RealtimeUser,
>(
  options: ChannelOptions<Name, Messages, Sends, ParamsInput, ParamsOutput, User>,
): ChannelDefinition<Name, TypesOf<Messages, Sends, ParamsInput, ParamsOutput>, User> {
  return new ChannelDefinition(options)
}

type AnyFunction = (...parameters: never[]) => unknown

const readFunction = option.optional(
  option.matching('a function', (value): value is AnyFunction => typeof value === 'function'),
)
const readSchema = option.optional(
  option.matching('a Standard Schema (Zod, Valibot, ArkType, …)', isStandardSchema),
)

function readPresence(value: unknown, name: string): false | { user: AnyFunction | undefined } {
  if (value === undefined || value === false) return false
  return readOptions(name, value === true ? {} : value, { user: readFunction })
}
