import type { CommandGroup } from '../command.ts'
import { channels } from '../realtime/channels.ts'
import { disconnect } from '../realtime/disconnect.ts'
import { publish } from '../realtime/publish.ts'
import { stats } from '../realtime/stats.ts'
import { tail } from '../realtime/tail.ts'
import { who } from '../realtime/who.ts'

/** `handcar realtime` */
export const command: CommandGroup = {
  name: 'realtime',
  summary: 'Look into realtime: channels, who, tail, publish, stats, disconnect',
  description: 'Works on the database of the app, whether it runs or not; its processes notice at once.',
  examples: [
    'handcar realtime stats',
    'handcar realtime who room/1',
    'handcar realtime tail --last 50',
    `handcar realtime publish room/1 posted '{ "id": 5 }'`,
  ],
  commands: [stats, channels, who, tail, publish, disconnect],
}
