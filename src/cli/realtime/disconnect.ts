import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { openRealtime } from './open.ts'

type Options = { channel?: string; user?: string; all?: true; reason?: string; json?: true }

/** `handcar realtime disconnect` */
export const disconnect: Command<Options> = {
  name: 'disconnect',
  summary: 'End the connections of a user, or the subscriptions to a channel',
  description: `In all processes. Whose connection is ended may come back, and is asked again who it is; whose subscription is ended is told so. Take the right away first.`,
  options: [
    { flags: '--user <id>', description: 'the connections of this user' },
    {
      flags: '--channel <name>',
      description: 'the subscriptions to this channel; with --user, those of the user',
    },
    { flags: '--all', description: 'all connections' },
    { flags: '--reason <text>', description: 'what they are told (default: disconnected)' },
    { flags: '--json', description: 'print { position }: from there on they get nothing' },
  ],
  examples: [
    'handcar realtime disconnect --user 42',
    'handcar realtime disconnect --channel room/1 --reason "the room is closed"',
    'handcar realtime disconnect --all --reason "maintenance"',
  ],
  async run(context, { channel, user, all, reason, json }) {
    if ((channel === undefined && user === undefined) !== (all === true))
      throw new UsageError(
        'expected --user or --channel, or else --all',
        'Say whose connections: `handcar realtime disconnect --user 42`.',
      )
    await using opened = await openRealtime(context)
    const { realtime } = opened
    await realtime.disconnect({
      ...(channel !== undefined && { channel }),
      ...(user !== undefined && { user }),
      ...(reason !== undefined && { reason }),
    })
    if (json) context.output.json({ position: realtime.position() })
    else context.output.line('They are told to go.')
  },
}
