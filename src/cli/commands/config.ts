import { loadConfig, secrets } from '../../app/index.ts'
import type { Command } from '../command.ts'
import { describeSetting, listSettings } from '../settings-list.ts'
import { formatTable } from '../table.ts'

type Options = { json?: true }

/** `handcar config` */
export const command: Command<Options> = {
  name: 'config',
  summary: 'Show every setting that is in force, and its origin',
  description:
    'What `handcar start` would use: the variables of the environment and of .env, then handcar.config.ts, then the defaults. Secrets are not printed, only whether they are set.',
  options: [{ flags: '--json', description: 'print { name: { value, origin } }' }],
  examples: ['handcar config', 'PORT=8080 handcar config', "handcar config --json | jq '.data.value'"],
  async run({ folder, output }, { json }) {
    const config = await loadConfig(folder)
    const settings = listSettings(config, secrets)
    if (json) {
      return output.json(Object.fromEntries(settings.map(({ name, ...rest }) => [name, rest])))
    }
    const rows = settings.map((setting) => [
      setting.name,
      setting.origin === 'default' ? output.color.dim(setting.origin) : setting.origin,
      describeSetting(setting),
    ])
    const columns = [{ title: 'setting' }, { title: 'origin' }, { title: 'value' }]
    for (const line of formatTable(columns, rows, output.color.bold)) output.line(line)
  },
}
