import type { Logger } from '../../core/index.ts'
import type { Audience } from './audience.ts'
import type { Connection } from './connection.ts'
import type { EphemeralMessage } from './needs.ts'

/** Whether a message is for the client of a connection. */
export type Filter = (connection: Connection) => boolean

/**
 * What the channel's `filter` says of a message, whose data is read at most once; `undefined` when the channel has none. A filter that
 * fails, such as on data that somebody else has stored, lets nobody see the message.
 */
export function filterOf(
  { match }: Audience,
  { channel, type, data }: EphemeralMessage,
  logger: Logger,
): Filter | undefined {
  const { filter } = match.definition
  if (filter === undefined) return undefined
  let message: { type: string; data: unknown } | undefined
  return ({ client }) => {
    try {
      message ??= { type, data: JSON.parse(data) as unknown }
      return filter(message, client.user)
    } catch (error) {
      logger.error({ err: error, channel, type }, 'The filter() of a channel failed')
      return false
    }
  }
}
