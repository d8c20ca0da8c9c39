import { loadConfig } from '../../app/index.ts'
import type { Command } from '../command.ts'
import type { MigrateAction, MigrateOptions } from '../migrate/action.ts'
import { create } from '../migrate/create.ts'
import { dump } from '../migrate/dump.ts'
import { run } from '../migrate/run.ts'
import { status } from '../migrate/status.ts'
import { UsageError } from '../usage-error.ts'

const actions: Record<string, MigrateAction> = { run, status, create, dump }

/** `handcar migrate` */
export const command: Command<MigrateOptions> = {
  name: 'migrate',
  summary: 'Run, list or create migrations, or write the schema to a file',
  description: `What to do, in the first argument:

  run            run what is pending; the default. Start and reload do it too.
                 A database that is in use gets a snapshot first
  status         list what is applied and what is pending; the exit code is 1
                 when the database and the files do not fit together
  create <name>  make an empty migration that has the time in its name
  dump           write the schema, and what is applied, to db/schema.sql`,
  arguments: [
    { name: 'action', description: 'run, status, create or dump', optional: true },
    { name: 'name', description: 'what the migration does, for create: "add authors"', optional: true },
  ],
  options: [
    { flags: '--json', description: 'print the list of run and status as JSON' },
    { flags: '--no-snapshot', description: 'run: make no snapshot of the database first' },
    { flags: '--stdout', description: 'dump: print the schema instead of writing db/schema.sql' },
  ],
  examples: [
    'handcar migrate',
    'handcar migrate status',
    'handcar migrate create "add authors"',
    'handcar migrate dump --stdout',
  ],
  async run(context, options, action = 'run', name?: string) {
    const perform = Object.hasOwn(actions, action) ? actions[action] : undefined
    if (!perform)
      throw new UsageError(
        `migrate: expected run, status, create or dump, got "${action}"`,
        'Run `handcar migrate --help`.',
      )
    if (name !== undefined && action !== 'create')
      throw new UsageError(
        `migrate ${action}: expected nothing more, got "${name}"`,
        `Run \`handcar migrate ${action}\`.`,
      )
    return perform(context, await loadConfig(context.folder), options, name)
  },
}
