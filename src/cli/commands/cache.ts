import { clear, deleteKeys, invalidate } from '../cache/end.ts'
import { get } from '../cache/get.ts'
import { keys } from '../cache/keys.ts'
import { stats } from '../cache/stats.ts'
import type { CommandGroup } from '../command.ts'

/** `handcar cache` */
export const command: CommandGroup = {
  name: 'cache',
  summary: 'Look into the cache: stats, keys, get, delete, clear, invalidate',
  description: 'Works on the cache of the app, whether it runs or not; its processes notice at once.',
  examples: ['handcar cache stats', 'handcar cache get user:1', 'handcar cache invalidate posts'],
  commands: [stats, keys, get, deleteKeys, clear, invalidate],
}
