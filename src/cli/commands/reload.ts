import { control } from '../../supervisor/index.ts'
import type { Command } from '../command.ts'
import { formatDuration } from '../format.ts'
import { runFolderOf } from '../run-folder.ts'

type Options = { supervisor?: true }

/** `handcar reload` */
export const command: Command<Options> = {
  name: 'reload',
  summary: 'Put new code into service without dropping a request',
  description: `Reads the configuration again, runs new migrations while the old code still serves, starts new processes, and lets the
old ones finish once the new ones are ready. When anything of this fails, the old code stays in service, and the exit code is 1.

The new code is what lies in the app's folder by now: edited files, or another folder behind a link such as "current".`,
  options: [
    {
      flags: '--supervisor',
      description: 'replace the supervisor too: after an upgrade of handcar or Node',
    },
  ],
  examples: [
    'handcar reload',
    'ln -sfn releases/42 next && mv -T next current && handcar reload --folder /srv/news/current',
    'handcar reload --supervisor',
  ],
  async run(context, { supervisor }) {
    const startedAt = performance.now()
    await control(await runFolderOf(context), supervisor ? 'upgrade' : 'reload', {
      onProgress: (message) => context.output.line(message),
    })
    context.output.line(`Reloaded in ${formatDuration(performance.now() - startedAt)}.`)
  },
}
