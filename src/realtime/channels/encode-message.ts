import {
  describeIssues,
  formatSize,
  option,
  OptionsError,
  writeJson,
  type StandardSchemaResult,
} from '../../core/index.ts'
import type { AnyChannelDefinition, MessageDefinition } from './define-channel.ts'

/** What the relay between processes takes, less the name of the channel and the type. */
const longestEphemeral = 64_000

/** A message as it goes into the log, or through the relay. */
export interface EncodedMessage {
  readonly data: string
  readonly ephemeral: boolean
}

/**
 * Checks the data of a message with its schema, and writes what that makes of it as JSON. Returns a promise only where the schema does.
 *
 * @param longest Size limit in bytes, where the channel has none of its own.
 * @throws OptionsError `HANDCAR_REALTIME_MESSAGE`
 */
export function encodeMessage(
  definition: AnyChannelDefinition,
  type: string,
  data: unknown,
  longest: number,
): EncodedMessage | Promise<EncodedMessage> {
  const message = definition.messages.get(type)
  const owner = `message "${type}" of channel "${definition.name}"`
  if (message === undefined) throw unknownType(definition, type)
  const limit = Math.min(definition.maxMessage ?? longest, message.ephemeral ? longestEphemeral : Infinity)
  const finish = (result: StandardSchemaResult<unknown>) => encodeChecked(message, result, owner, limit)
  const checked = message.schema['~standard'].validate(data)
  return checked instanceof Promise ? checked.then(finish) : finish(checked)
}

function encodeChecked(
  { ephemeral }: MessageDefinition,
  result: StandardSchemaResult<unknown>,
  owner: string,
  limit: number,
): EncodedMessage {
  if (result.issues !== undefined)
    throw refused(`The ${owner} does not fit its schema: ${describeIssues(result.issues)}`)
  const { text, problem } = writeJson(result.value) as { text: string; problem?: string }
  if (problem !== undefined) throw refused(`The ${owner} is ${problem}`)
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return { data: text, ephemeral }
  throw refused(`The ${owner} has ${formatSize(Buffer.byteLength(text))}, more than ${formatSize(limit)}`)
}

function unknownType({ name, messages }: AnyChannelDefinition, type: unknown): OptionsError {
  const known = [...messages.keys()].map((each) => `"${each}"`).join(', ') || 'none'
  return refused(`The channel "${name}" has no message ${option.describe(type)}; it has: ${known}`)
}

function refused(message: string): OptionsError {
  return new OptionsError('HANDCAR_REALTIME_MESSAGE', message)
}
