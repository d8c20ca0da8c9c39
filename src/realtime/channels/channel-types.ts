import type { InputOf, OutputOf, StandardSchema } from '../../core/index.ts'

/** What the code of a channel sees of a user: what `authenticate` returned. */
export interface RealtimeUser {
  /** Who it is, in limits, presence, `reauthorize` and `disconnect`. */
  readonly id: string | number
}

/** How a message of the server is declared: its schema, or more than that. */
export type MessageDeclaration<Schema extends StandardSchema = StandardSchema> =
  | Schema
  | { schema: Schema; ephemeral?: boolean }

/** How a message of the client is declared: its schema, or also that of the answer. */
export type SendDeclaration<
  Schema extends StandardSchema = StandardSchema,
  Result extends StandardSchema = StandardSchema,
> = Schema | { schema: Schema; result?: Result }

/** The names of a pattern: `'id'` for `'room/:id'`. */
type ParameterNames<Pattern extends string> = Pattern extends `${infer First}/${infer Rest}`
  ? ParameterNames<First> | ParameterNames<Rest>
  : Pattern extends `:${infer Name}`
    ? Name
    : never

/** What makes the name of a channel, where there is no schema of the parameters. */
export type ParametersOf<Pattern extends string> = string extends Pattern
  ? Record<string, string | number>
  : { [Name in ParameterNames<Pattern>]: string | number }

/** What a name is taken apart into, where there is no schema of the parameters. */
export type MatchedParametersOf<Pattern extends string> = string extends Pattern
  ? Record<string, string>
  : { [Name in ParameterNames<Pattern>]: string }

/** What is known of a channel at compile time; for the types of server and client only. */
export interface ChannelTypes {
  /** Parameters: as they are given, and as handlers get them. */
  params: { input: object; output: object }
  /** Messages of the server, by type: as they are published, and as they arrive. */
  messages: Record<string, { input: unknown; output: unknown; ephemeral: boolean }>
  /** Messages of the client, by type: as they are sent, as the handler gets them, and what the handler answers. */
  send: Record<string, { input: unknown; output: unknown; result: unknown }>
}

type SchemaOf<Declaration> = Declaration extends { schema: infer Schema extends StandardSchema }
  ? Schema
  : Declaration extends StandardSchema
    ? Declaration
    : never

/** The types of declared messages. */
export type MessagesOf<Messages> = {
  [Type in keyof Messages & string]: {
    input: InputOf<SchemaOf<Messages[Type]>>
    output: OutputOf<SchemaOf<Messages[Type]>>
    ephemeral: Messages[Type] extends { ephemeral: true } ? true : false
  }
}

/** The types of declared messages of the client. */
export type SendsOf<Sends> = {
  [Type in keyof Sends & string]: {
    input: InputOf<SchemaOf<Sends[Type]>>
    output: OutputOf<SchemaOf<Sends[Type]>>
    result: Sends[Type] extends { result: infer Result extends StandardSchema } ? OutputOf<Result> : unknown
  }
}

/** A schema that lets everything pass, for data of one's own that needs no check: `posted: unchecked<{ id: number }>()`. */
export function unchecked<Data>(): StandardSchema<Data> {
  return { '~standard': { version: 1, vendor: 'handcar', validate: (value) => ({ value: value as Data }) } }
}
