import { loadConfig, snapshotsOf } from '../../app/index.ts'
import { describeFailure } from '../../core/index.ts'
import type { Command } from '../command.ts'

/** `handcar snapshot check` */
export const check: Command<{ json?: true }> = {
  name: 'check',
  summary: 'Read snapshots from one end to the other and compare them with what was written',
  description: 'The exit code is 1 when one of them is damaged. Without names it checks all.',
  arguments: [{ name: 'names...', description: 'names of snapshots', optional: true }],
  options: [{ flags: '--json', description: 'print a list of { name, ok, error } as JSON' }],
  examples: ['handcar snapshot check', 'handcar snapshot check before-sale --json'],
  async run({ folder, output }, { json }, ...names) {
    const snapshots = snapshotsOf(await loadConfig(folder))
    for (const name of names) await snapshots.get(name)
    const wanted = names.length > 0 ? names : (await snapshots.list()).map(({ name }) => name)
    const results: { name: string; ok: boolean; error?: string }[] = []
    for (const name of wanted) {
      const error = await snapshots.check(name).then(() => undefined, describeFailure)
      results.push({ name, ok: error === undefined, ...(error && { error: error.message }) })
      if (!json) output.line(`${error ? output.color.red('damaged') : output.color.green('ok')} ${name}`)
      if (!json && error) output.warn(error.message)
    }
    if (json) output.json(results)
    return results.every(({ ok }) => ok) ? 0 : 1
  },
}
