import { resolve } from 'node:path'
import { loadConfig, snapshotsOf } from '../../app/index.ts'
import type { Command } from '../command.ts'
import { keepStopped } from '../keep-stopped.ts'

type Options = { to?: string; json?: true }

/** `handcar snapshot restore` */
export const restore: Command<Options> = {
  name: 'restore',
  summary: 'Put a snapshot in the place of the database, or into a new file',
  description: `Stop the app first: nobody may have the database open, and it cannot be started meanwhile. The files of the present database are
set aside in replaced-<time> in the data folder, not deleted. What was written since the snapshot is only there.`,
  arguments: [{ name: 'name', description: 'name of a snapshot' }],
  options: [
    { flags: '--to <file>', description: 'a new file, which leaves the database as it is' },
    { flags: '--json', description: 'print { path, replaced } as JSON' },
  ],
  examples: [
    'handcar stop && handcar snapshot restore before-sale && handcar start',
    'handcar snapshot restore before-sale --to look.sqlite3',
  ],
  async run({ folder, output }, { to, json }, name: string) {
    const config = await loadConfig(folder)
    const snapshots = snapshotsOf(config)
    using _stopped = to === undefined ? keepStopped(config.data) : undefined
    const restored = await snapshots.restore(name, to === undefined ? {} : { to: resolve(to) })
    if (json) return output.json(restored)
    output.line(`Restored ${output.color.bold(name)} to ${restored.path}.`)
    if (restored.replaced !== undefined)
      output.line(`The database that was there is in ${restored.replaced}.`)
  },
}
