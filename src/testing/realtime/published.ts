import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'
import type { ChannelDefinition, ChannelTypes, Realtime } from '../../realtime/index.ts'
import { isPart, type PartOf } from '../part-of.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- whoever its users are
type DefinitionOf<Types extends ChannelTypes> = ChannelDefinition<string, Types, any>

/** A message that was published and is still in the log. */
export interface PublishedMessage {
  offset: number
  type: string
  data: unknown
}

/** What is expected of the data of a message: an object may leave fields out, also inside; a function says whether it is right. */
export type ExpectedMessage<Data> = PartOf<Data> | ((data: Data) => boolean)

/** The messages of a channel that are in the log, in order. Those that are not stored are seen by a `VirtualClient` only. */
export function publishedMessages<Types extends ChannelTypes>(
  realtime: Realtime,
  definition: DefinitionOf<Types>,
  params: Types['params']['input'],
): PublishedMessage[] {
  const messages: PublishedMessage[] = realtime.channel(definition, params).history({ limit: 100_000 })
  return messages.map(({ offset, type, data }) => ({ offset, type, data }))
}

/**
 * Makes sure that a message of a type was published to a channel, and gives those that were.
 *
 * @throws AssertionError that names what was published in its place
 */
export function assertPublished<Types extends ChannelTypes, Type extends keyof Types['messages'] & string>(
  realtime: Realtime,
  definition: DefinitionOf<Types>,
  params: Types['params']['input'],
  type: Type,
  expected?: ExpectedMessage<Types['messages'][Type]['output']>,
): PublishedMessage[] {
  const all = publishedMessages(realtime, definition, params)
  const found = all.filter((message) => message.type === type && isAsExpected(message.data, expected))
  if (found.length > 0) return found
  const { name } = realtime.channel(definition, params)
  const others =
    all.length === 0 ? 'Nothing was published there.' : `Published was:\n${all.map(describe).join('\n')}`
  throw failure(
    `Expected that "${type}" was published to ${name}${wordsOf(expected)}. ${others}`,
    assertPublished,
  )
}

/**
 * Makes sure that no such message was published.
 *
 * @throws AssertionError that names those that were
 */
export function refutePublished<Types extends ChannelTypes, Type extends keyof Types['messages'] & string>(
  realtime: Realtime,
  definition: DefinitionOf<Types>,
  params: Types['params']['input'],
  type: Type,
  expected?: ExpectedMessage<Types['messages'][Type]['output']>,
): void {
  const found = publishedMessages(realtime, definition, params).filter(
    (message) => message.type === type && isAsExpected(message.data, expected),
  )
  if (found.length === 0) return
  const { name } = realtime.channel(definition, params)
  const message = `Expected that no "${type}" was published to ${name}${wordsOf(expected)}. Published was:`
  throw failure(`${message}\n${found.map(describe).join('\n')}`, refutePublished)
}

function isAsExpected(data: unknown, expected: unknown): boolean {
  if (expected === undefined) return true
  return typeof expected === 'function' ? expected(data) === true : isPart(expected, data)
}

function describe({ offset, type, data }: PublishedMessage): string {
  return `- ${type} (offset ${offset}): ${inspect(data, { breakLength: Infinity })}`
}

const wordsOf = (expected: unknown): string =>
  expected === undefined ? '' : ` with ${inspect(expected, { breakLength: Infinity })}`

function failure(message: string, stackStartFn: (...parameters: never[]) => unknown): AssertionError {
  return new AssertionError({ message, stackStartFn })
}
