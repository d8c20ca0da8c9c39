import { HandcarError, nearestName } from '../../core/index.ts'
import type { Realtime } from '../../realtime/index.ts'
import type { Command } from '../command.ts'
import { readJson } from '../jobs/values.ts'
import { openRealtimeWithCode } from './open.ts'

/** `handcar realtime publish` */
export const publish: Command<{ json?: true }> = {
  name: 'publish',
  summary: 'Publish a message to a channel of the app',
  description: "The app's code is loaded: the message has to fit the schema of its type.",
  arguments: [
    { name: 'channel', description: 'name of the channel, such as room/1' },
    { name: 'type', description: 'type of the message' },
    { name: 'data', description: 'what it says, as JSON (default: null)', optional: true },
  ],
  options: [{ flags: '--json', description: 'print { offset } as JSON' }],
  examples: [`handcar realtime publish room/1 posted '{ "id": 5 }'`, 'handcar realtime publish news reload'],
  async run(context, { json }, channel, type, data = 'null') {
    const { output } = context
    const value = readJson('data', data)
    await using opened = await openRealtimeWithCode(context)
    const { realtime } = opened
    assertKnown(realtime, channel)
    const offset = await realtime.publishTo(channel, type, value)
    if (json) output.json({ offset: offset ?? null })
    else if (offset === undefined) output.line('The message is sent to whoever is connected.')
    else output.line(`Message ${offset} is published.`)
  },
}

function assertKnown(realtime: Realtime, channel: string): void {
  if (realtime.knows(channel)) return
  const patterns = realtime.channels.map(({ name }) => name).toSorted()
  const nearest = nearestName(channel, patterns)
  throw new HandcarError('HANDCAR_REALTIME_CHANNEL', `The app has no channel "${channel}"`, {
    fix:
      nearest !== undefined
        ? `Did you mean "${nearest}"?`
        : patterns.length > 0
          ? `Channels: ${patterns.join(', ')}.`
          : 'Export its definition from the module that the setting `realtime.channels` names: src/channels.ts.',
  })
}
