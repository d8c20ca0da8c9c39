import { createLogger, Handcar, importApp, loadConfig } from '../../app/index.ts'
import { stopSignal } from '../../supervisor/index.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { readWholeNumber } from '../whole-number.ts'
import { readList } from './values.ts'

type Options = { slots?: string; queues?: string; untilDrained?: true }

/** `handcar jobs work` */
export const work: Command<Options> = {
  name: 'work',
  summary: 'Perform jobs in this process, without a supervisor, until Ctrl-C',
  description: `Beside a running app, or in the place of its processes for jobs: several may work on one database. Migrations are not run. Ctrl-C and
SIGTERM let the jobs that run finish, within the stopTimeout of the app, and give the others back; a second one ends it at once.`,
  options: [
    { flags: '--slots <number>', description: 'how many jobs run at once; wins over jobs.work.slots' },
    {
      flags: '--queues <queues>',
      description: 'only these queues, in their order, with commas; mail* for all that begin so',
    },
    { flags: '--until-drained', description: 'end when nothing runs or could run now' },
  ],
  examples: [
    'handcar jobs work',
    'handcar jobs work --slots 50 --queues urgent,mail',
    'handcar jobs work --until-drained',
  ],
  async run({ folder, output }, { slots, queues, untilDrained }) {
    // Other commands end when nobody reads their output any more; this one works on.
    process.stdout.removeAllListeners('error').on('error', () => {})
    const config = await loadConfig(folder)
    process.chdir(config.folder)
    const logger = createLogger({ ...config.log, process: `jobs.${process.pid}` })
    const work = {
      ...config.jobs.work,
      ...(slots !== undefined && {
        slots: Number(readWholeNumber('--slots', slots, { min: 1, max: 10_000 })),
      }),
      ...(queues !== undefined && { queues: readQueues(queues) }),
    }
    const stopped = stopSignal()
    await using handcar = new Handcar({ ...config, jobs: { ...config.jobs, work } }, { role: 'jobs', logger })
    const [makeApp] = await Promise.all([importApp(config), handcar.start()])
    const app = await makeApp(handcar)
    await handcar.work()
    output.warn(output.color.dim(`Working on the jobs of ${handcar.database.path}; Ctrl-C ends it.`))
    const signal = await (untilDrained ? Promise.race([stopped, handcar.jobs.drain()]) : stopped)
    if (signal !== undefined)
      output.warn(output.color.dim('Letting the jobs that run finish; Ctrl-C again ends it at once.'))
    await handcar.jobs.stop({ timeout: config.processes.stopTimeout })
    await app.stop?.()
  },
}

function readQueues(text: string): string[] {
  const queues = readList(text)
  if (queues.length > 0) return queues
  throw new UsageError('--queues: expected names of queues, got none', 'Name them: --queues urgent,mail.')
}
