import { loadConfig, snapshotsOf } from '../../app/index.ts'
import type { Command } from '../command.ts'

/** `handcar snapshot delete` */
export const deleteSnapshots: Command<{ json?: true }> = {
  name: 'delete',
  summary: 'Delete snapshots',
  arguments: [{ name: 'names...', description: 'names of snapshots' }],
  options: [{ flags: '--json', description: 'print the list of names as JSON' }],
  examples: ['handcar snapshot delete before-sale'],
  async run({ folder, output }, { json }, ...names) {
    const snapshots = snapshotsOf(await loadConfig(folder))
    for (const name of names) await snapshots.get(name)
    for (const name of names) await snapshots.delete(name)
    if (json) output.json(names)
    else output.line(`Deleted ${names.join(', ')}.`)
  },
}
