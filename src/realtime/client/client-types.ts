import type { Off } from './emitter.ts'
import type { LiveChannel, MessageDetails } from './live-channel.ts'
import type { SendOptions } from './queue.ts'

/**
 * What the client knows of the channels at compile time, from what `defineChannel` returns. Nothing of the server is imported, so
 * that the client's types can be used where there is no Node.
 */
export interface DefinitionTypes {
  readonly name: string
  readonly types: {
    params: { input: object }
    messages: Record<string, { output: unknown }>
    send: Record<string, { input: unknown; result: unknown }>
  }
}

/** A value as it is after its way as JSON: a `Date` has become a text. */
export type Json<Value> = Value extends { toJSON(): infer Text }
  ? Text
  : Value extends readonly (infer Item)[]
    ? Json<Item>[]
    : Value extends object
      ? { [Key in keyof Value]: Json<Value[Key]> }
      : Value

/** The definitions of an array, or of an object (or module) of them. */
type DefinitionIn<Channels> = Extract<
  Channels extends readonly (infer Definition)[] ? Definition : Channels[keyof Channels],
  DefinitionTypes
>

/** Which names `channel()` takes, when `connect` was told the channels: their patterns. */
export type NameIn<Channels> = [DefinitionIn<Channels>] extends [never]
  ? string
  : DefinitionIn<Channels>['name']

/** The types of the channel with a name; of any channel, if `connect` was not told them. */
export type TypesIn<Channels, Name> = [DefinitionIn<Channels>] extends [never]
  ? AnyTypes
  : Extract<DefinitionIn<Channels>, { readonly name: Name }>['types']

interface AnyTypes {
  params: { input: Record<string, string | number> }
  // oxlint-disable-next-line typescript/no-explicit-any -- nobody said what it is
  messages: Record<string, { output: any }>
  // oxlint-disable-next-line typescript/no-explicit-any -- the same
  send: Record<string, { input: any; result: any }>
}

/** The parameters of a channel: none are needed where its name has none. */
export type ParamsArgument<Types extends DefinitionTypes['types']> = object extends Types['params']['input']
  ? [params?: Types['params']['input']]
  : [params: Types['params']['input']]

/** A {@link LiveChannel} that knows its messages. */
export interface TypedChannel<Types extends DefinitionTypes['types']> extends Omit<
  LiveChannel,
  'on' | 'send'
> {
  /** Calls back with the data of each message of a type. */
  on<Type extends keyof Types['messages'] & string>(
    type: Type,
    listener: (data: Json<Types['messages'][Type]['output']>, details: MessageDetails) => unknown,
  ): Off
  /**
   * Sends a message to the channel's `onMessage` and returns its answer. Without a connection it waits for one; the server handles
   * it once, however often it has to be sent.
   *
   * @throws RealtimeError with the server's code; a `TimeoutError` or the signal's reason: then it may have been handled
   */
  send<Type extends keyof Types['send'] & string>(
    type: Type,
    ...rest: undefined extends Types['send'][Type]['input']
      ? [data?: Types['send'][Type]['input'], options?: SendOptions]
      : [data: Types['send'][Type]['input'], options?: SendOptions]
  ): Promise<Json<Types['send'][Type]['result']>>
}
