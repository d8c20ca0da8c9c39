import type { JobAction, JobFilter, Jobs } from '../../jobs/index.ts'
import type { CommandContext, CommandOption } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { filterOptions, readFilterOptions, type FilterOptions } from './filter-options.ts'
import { countJobs, printJobs } from './job-table.ts'
import { openJobs } from './open.ts'
import { readIds } from './values.ts'

/** Options of commands that do something with jobs. */
export type ActOptions = FilterOptions & { all?: true; yes?: true; json?: true }

/** The ids that such a command takes, and the options besides its own. */
export const idsArgument = { name: 'ids...', description: 'ids of jobs', optional: true }
export const actOptions: CommandOption[] = [
  ...filterOptions,
  { flags: '--all', description: 'all jobs with which it can be done' },
  { flags: '--yes', description: 'do it; without it, a filter only shows which jobs are meant' },
  { flags: '--json', description: 'print { count }, or { preview, count, sample }, as JSON' },
]

/** What a command does with jobs. */
interface Act {
  action: JobAction
  /** What becomes of them: `retried`. */
  done: string
  run: (jobs: Jobs, filter: JobFilter) => Promise<number>
}

/**
 * Does something with the jobs that were named: at once where ids say which, with `--yes` where a filter does; else it shows what
 * would be done.
 *
 * @returns 1 when one of the ids was left as it was
 */
export async function act(
  context: CommandContext,
  options: ActOptions,
  words: readonly string[],
  { action, done, run }: Act,
): Promise<number> {
  const ids = readIds(words)
  const filter = readFilterOptions(options)
  if (ids.length === 0 && filter === undefined && !options.all)
    throw new UsageError(
      `jobs ${action}: expected ids of jobs, or options that say which`,
      `Run \`handcar jobs ${action} --help\`; --all means all.`,
    )
  if (ids.length > 0 && options.all)
    throw new UsageError(`jobs ${action}: expected ids or --all, got both`, 'Leave one of them out.')
  const { output } = context
  const isPreview = ids.length === 0 && !options.yes
  await using opened = await openJobs(context, { readOnly: isPreview })
  const { jobs } = opened
  const wanted = { ...filter, ...(ids.length > 0 && { ids }) }
  if (isPreview) {
    const { count, sample } = await jobs.preview(action, wanted)
    if (options.json) {
      output.json({ preview: true, count, sample })
      return 0
    }
    if (count === 0) output.line(`No job would be ${done}.`)
    else {
      printJobs(sample, output)
      if (count > sample.length) output.line(output.color.dim(`and ${countJobs(count - sample.length)} more`))
      output.line(`${countJobs(count)} would be ${done}; add ${output.color.bold('--yes')} to do it.`)
    }
    return 0
  }
  const count = await run(jobs, wanted)
  if (options.json) output.json({ count })
  else output.line(count === 0 ? `No job was ${done}.` : `${countJobs(count)} ${done}.`)
  const named = new Set(ids).size
  if (count < named) await explain(context, jobs, action, ids, done, count)
  return count < named ? 1 : 0
}

/** Tells why jobs that were named were left as they were. */
async function explain(
  { output }: CommandContext,
  jobs: Jobs,
  action: JobAction,
  ids: readonly number[],
  done: string,
  count: number,
): Promise<void> {
  const { jobs: found } = await jobs.list({ ids }, { limit: 1_000 })
  for (const id of new Set(ids)) {
    const job = found.find((each) => each.id === id)
    if (job === undefined) output.warn(`There is no job ${id}.`)
    else if (count === 0)
      output.warn(
        `Job ${id} is ${job.state}${action === 'retry' && job.state === 'completed' ? '; --state completed retries it' : ''}.`,
      )
  }
  if (count > 0)
    output.warn(
      `Some of the jobs could not be ${done}: \`handcar jobs list --ids ${[...new Set(ids)].join(',')}\` shows them.`,
    )
}
