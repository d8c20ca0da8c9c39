import { OptionsError, systemClock } from '../core/index.ts'
import { refuse, type Database } from '../database/index.ts'
import { Channels } from './channels/channels.ts'
import type { ChannelTypes } from './channels/channel-types.ts'
import type { ChannelDefinition } from './channels/define-channel.ts'
import { Log } from './log/log.ts'
import { Publisher } from './publisher.ts'

/** Size limit of a message where its channel has none, as in Realtime. */
const messageSize = 65_536

/** One for each database, so that what is published in one turn is one write. */
const logs = new WeakMap<Database, Log>()

/**
 * Publishes a message where there is the app's database and no Realtime, such as in a job. As `realtime.publish` it is part of the open
 * transaction, and checked; the size limit is `maxMessage` of the channel, or 64 kB. Ephemeral messages need a Realtime.
 *
 * ```ts
 * perform: ({ id }, job) => job.complete(() => void publishMessage(job.database, room, { id }, 'done', { at: Date.now() }))
 * ```
 *
 * @throws OptionsError `HANDCAR_REALTIME_MESSAGE`, `HANDCAR_REALTIME_CHANNEL`
 */
export function publishMessage<Types extends ChannelTypes, Type extends keyof Types['messages'] & string>(
  database: Database,
  // oxlint-disable-next-line typescript/no-explicit-any -- whoever its users are
  definition: ChannelDefinition<string, Types, any>,
  params: Types['params']['input'],
  type: Type,
  data: Types['messages'][Type]['input'],
): Promise<number> {
  return refuse(database, () => {
    const publisher = new Publisher({
      log: logOf(database),
      channels: new Channels([definition]),
      messageSize,
      broadcast: () => {
        throw new OptionsError(
          'HANDCAR_REALTIME_MESSAGE',
          `The message "${type}" of channel "${definition.name}" is ephemeral: publishMessage expects one that is stored`,
          { fix: 'Publish it with the Realtime of a process: handcar.realtime.publish(…).' },
        )
      },
    })
    return publisher.publish(definition, params, type, data) as Promise<number>
  })
}

function logOf(database: Database): Log {
  const known = logs.get(database) ?? new Log({ database, clock: systemClock })
  logs.set(database, known)
  return known
}
