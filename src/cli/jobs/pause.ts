import type { Jobs, PauseTarget } from '../../jobs/index.ts'
import type { Command, CommandContext } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { openJobs } from './open.ts'

type Options = { name?: string; json?: true }

const description = 'What runs goes on. It counts for all processes, also for those that start later.'
const argument = { name: 'queue', description: 'a queue', optional: true }
const options = [
  { flags: '--name <job>', description: 'the jobs of a name, whatever their queue, in the place of a queue' },
  { flags: '--json', description: 'print { changed } as JSON' },
]

/** `handcar jobs pause` */
export const pause: Command<Options> = {
  name: 'pause',
  summary: 'Keep the jobs of a queue, or of a name, from being started',
  description,
  arguments: [argument],
  options,
  examples: ['handcar jobs pause mail', 'handcar jobs pause --name welcome-mail'],
  run: (context, options, queue?: string) =>
    change(context, options, queue, 'pause', (jobs, target) => jobs.pause(target)),
}

/** `handcar jobs resume` */
export const resume: Command<Options> = {
  name: 'resume',
  summary: 'Let the jobs of a queue, or of a name, be started again',
  arguments: [argument],
  options,
  examples: ['handcar jobs resume mail', 'handcar jobs resume --name welcome-mail'],
  run: (context, options, queue?: string) =>
    change(context, options, queue, 'resume', (jobs, target) => jobs.resume(target)),
}

async function change(
  context: CommandContext,
  { name, json }: Options,
  queue: string | undefined,
  action: 'pause' | 'resume',
  run: (jobs: Jobs, target: PauseTarget) => Promise<boolean>,
): Promise<void> {
  if ((queue === undefined) === (name === undefined))
    throw new UsageError(
      `jobs ${action}: expected a queue or --name, got ${queue === undefined ? 'neither' : 'both'}`,
      `Run \`handcar jobs ${action} mail\` or \`handcar jobs ${action} --name welcome-mail\`.`,
    )
  await using opened = await openJobs(context)
  const changed = await run(opened.jobs, name === undefined ? { queue: queue! } : { name })
  if (json) return context.output.json({ changed })
  const what = name === undefined ? `The queue ${queue}` : `The job ${name}`
  const done = action === 'pause' ? 'paused' : 'resumed'
  const before = action === 'pause' ? 'was paused already' : 'was not paused'
  context.output.line(changed ? `${what} is ${done}.` : `${what} ${before}.`)
  if (action === 'resume' || !changed) return
  const { jobs } = await opened.jobs.list(name === undefined ? { queue: queue! } : { name }, { limit: 1 })
  if (jobs.length > 0) return
  const { color } = context.output
  context.output.warn(
    color.yellow(
      `There is no job of it; \`handcar jobs resume ${name === undefined ? queue : `--name ${name}`}\` takes it back.`,
    ),
  )
}
