import { nearestName } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { readDeployedApp } from '../deploy-files/deployed-app.ts'
import { targets } from '../deploy-files/index.ts'
import { writeFiles } from '../deploy-files/write-files.ts'
import { UsageError } from '../usage-error.ts'

type Options = { to: string; force?: true }

/** `handcar deploy:files` */
export const command: Command<Options> = {
  name: 'deploy:files',
  summary: 'Write the files that a server, Docker, Fly or Kamal needs to run the app',
  description:
    'Writes commented files, with the names, ports and time limits of this app: a systemd service with its socket, a Dockerfile, a fly.toml, or the deploy.yml of Kamal. They are yours from then on: read them, change them, commit them.',
  options: [
    { flags: '--to <target>', description: Object.keys(targets).join(', '), required: true },
    { flags: '--force', description: 'overwrite files that exist' },
  ],
  examples: ['handcar deploy:files --to systemd', 'handcar deploy:files --to docker --force'],
  async run({ folder, output }, { to, force }) {
    const target = Object.hasOwn(targets, to) ? targets[to] : undefined
    if (target === undefined) throw unknownTarget(to)
    const app = await readDeployedApp(folder)
    for (const { path, outcome } of writeFiles(folder, target.files(app), force === true)) {
      output.line(`${outcome === 'wrote' ? output.color.green('wrote') : output.color.dim('kept ')} ${path}`)
    }
    output.line()
    output.line(output.color.bold('Next'))
    target.nextSteps(app).forEach((step, index) => output.line(`  ${index + 1}. ${step}`))
  },
}

function unknownTarget(to: string): UsageError {
  const nearest = nearestName(to, Object.keys(targets))
  return new UsageError(
    `--to: expected ${Object.keys(targets).join(', ')}, got ${to}`,
    nearest ? `Did you mean ${nearest}?` : 'Name one of them.',
  )
}
