import { install } from '../backup/install.ts'
import { status } from '../backup/status.ts'
import { verify } from '../backup/verify.ts'
import type { CommandGroup } from '../command.ts'

/** `handcar backup` */
export const command: CommandGroup = {
  name: 'backup',
  summary: 'The continuous copy of the database elsewhere: status, verify, install',
  description:
    'Each change of the database goes to a bucket, another machine or another disk within about a second, by Litestream, which runs beside the app. The setting backup.replicas says where.',
  examples: ['handcar backup install', 'handcar backup status', 'handcar backup verify'],
  commands: [status, verify, install],
}
