import type { Jobs, RecurringInfo } from '../../jobs/index.ts'
import type { Command, CommandContext, Output } from '../command.ts'
import { formatDuration } from '../format.ts'
import { formatTable } from '../table.ts'
import { UsageError } from '../usage-error.ts'
import { readWholeNumber } from '../whole-number.ts'
import { formatRelative } from './job-table.ts'
import { openJobs, openJobsWithCode } from './open.ts'
import { readJson } from './values.ts'

type Options = {
  count?: string
  cron?: string
  every?: string
  timeZone?: string
  payload?: string
  json?: true
}

/** The options that belong to some actions only. */
const optionsOf: Partial<Record<string, (keyof Options)[]>> = {
  next: ['count'],
  ticks: ['count'],
  edit: ['cron', 'every', 'timeZone', 'payload'],
}

type Action = (context: CommandContext, options: Options, name: string) => Promise<void>

const actions: Record<string, Action> = {
  next,
  ticks,
  pause: (context, options, name) => change(context, options, (jobs) => jobs.recurring.pause(name)),
  resume: (context, options, name) => change(context, options, (jobs) => jobs.recurring.resume(name)),
  edit: (context, options, name) =>
    change(context, options, (jobs) => jobs.recurring.edit(name, readEdit(options)), true),
  reset: (context, options, name) => change(context, options, (jobs) => jobs.recurring.reset(name)),
  remove,
  run,
}

/** `handcar jobs recurring` */
export const recurring: Command<Options> = {
  name: 'recurring',
  summary: 'List recurring jobs, show their next runs, pause, edit or run them',
  description: `What to do, in the first argument:

  list            list them; the default
  next <name>     show when it runs next
  ticks <name>    show its last ticks, and the jobs that they made
  pause <name>    keep it from ticking
  resume <name>   let it tick again; the ticks meanwhile do not count as missed
  edit <name>     change its schedule or payload; counts from now on, in all
                  processes, until the code has another value for that setting
  reset <name>    take all edits back: as the code says
  run <name>      enqueue its job now, as well
  remove <name>   remove one that code has added, or does not define any more`,
  arguments: [
    { name: 'action', description: `list, ${Object.keys(actions).join(', ')}`, optional: true },
    { name: 'name', description: 'name of the recurring job', optional: true },
  ],
  options: [
    { flags: '--count <number>', description: 'next, ticks: how many (default: 5)' },
    { flags: '--cron <expression>', description: "edit: a cron expression, such as '0 9 * * 1-5'" },
    { flags: '--every <duration>', description: 'edit: an interval, such as 5m' },
    { flags: '--time-zone <zone>', description: 'edit: a time zone, such as Europe/Berlin' },
    { flags: '--payload <json>', description: 'edit: what each job gets' },
    { flags: '--json', description: 'print the result as JSON' },
  ],
  examples: [
    'handcar jobs recurring',
    'handcar jobs recurring next daily-digest --count 10',
    "handcar jobs recurring edit daily-digest --cron '0 7 * * *' --time-zone Europe/Berlin",
    'handcar jobs recurring run repair-counters',
  ],
  async run(context, options, action = 'list', name?: string) {
    const perform = Object.hasOwn(actions, action) ? actions[action] : undefined
    if (perform === undefined && action !== 'list')
      throw new UsageError(
        `jobs recurring: expected list, ${Object.keys(actions).join(', ')}, got "${action}"`,
        'Run `handcar jobs recurring --help`.',
      )
    refuseOthers(action, options)
    if (perform === undefined) {
      if (name === undefined) return list(context, options)
      throw new UsageError(`jobs recurring list: expected no name, got "${name}"`, 'Leave it out.')
    }
    if (name === undefined)
      throw new UsageError(
        `jobs recurring ${action}: expected the name of a recurring job`,
        'Find it by `handcar jobs recurring`.',
      )
    return perform(context, options, name)
  },
}

/** An option that does nothing would look as if it did something. */
function refuseOthers(action: string, options: Options): void {
  const fitting = [...(optionsOf[action] ?? []), 'json']
  const other = Object.keys(options).find((name) => !fitting.includes(name))
  if (other === undefined) return
  const flag = `--${other.replace('Z', '-z')}`
  throw new UsageError(
    `jobs recurring ${action}: expected ${fitting.length === 1 ? 'no option but --json' : 'its own options'}, got ${flag}`,
    'Run `handcar jobs recurring --help`: it says to which action each option belongs.',
  )
}

async function list(context: CommandContext, { json }: Options): Promise<void> {
  const { output } = context
  await using opened = await openJobs(context, { readOnly: true })
  const all = opened.jobs.recurring.list()
  if (json) return output.json(all)
  if (all.length === 0) return output.warn(output.color.dim('no recurring jobs'))
  print(all, output)
}

function print(all: readonly RecurringInfo[], output: Output): void {
  const now = Date.now()
  const { color } = output
  const rows = all.map((each) => [
    each.name,
    each.job,
    scheduleOf(each),
    each.pausedAt !== undefined
      ? color.yellow('paused')
      : each.nextAt === undefined
        ? 'never'
        : formatRelative(each.nextAt, now),
    each.lastAt === undefined ? '–' : formatRelative(each.lastAt, now),
    each.lastJob === undefined ? '–' : String(each.lastJob),
    each.edited.length > 0
      ? color.yellow(`edited: ${each.edited.join(', ')}`)
      : each.isFromCode
        ? ''
        : color.dim('added at run time'),
  ])
  const columns = [
    { title: 'name' },
    { title: 'job' },
    { title: 'schedule' },
    { title: 'next' },
    { title: 'last' },
    { title: 'last job', align: 'right' as const },
    { title: '' },
  ]
  for (const line of formatTable(columns, rows, color.bold)) output.line(line)
}

function scheduleOf({ cron, every, timeZone }: RecurringInfo): string {
  if (every !== undefined) return `every ${formatDuration(every)}`
  return timeZone === 'UTC' ? cron! : `${cron} ${timeZone}`
}

async function next(context: CommandContext, options: Options, name: string): Promise<void> {
  const { output } = context
  await using opened = await openJobs(context, { readOnly: true })
  const times = opened.jobs.recurring.next(name, countOf(options))
  if (options.json) return output.json(times)
  const now = Date.now()
  for (const time of times)
    output.line(`${time.toISOString()}  ${output.color.dim(formatRelative(time, now))}`)
  if (times.length === 0) output.warn(output.color.dim('no runs any more'))
}

async function ticks(context: CommandContext, options: Options, name: string): Promise<void> {
  const { output } = context
  await using opened = await openJobs(context, { readOnly: true })
  opened.jobs.recurring.next(name, 1)
  const all = opened.jobs.recurring.ticks(name, countOf(options))
  if (options.json) return output.json(all)
  if (all.length === 0) return output.warn(output.color.dim('no ticks yet'))
  const rows = all.map(({ at, job, skipped }) => [
    at.toISOString(),
    job === undefined ? '–' : String(job),
    skipped === undefined ? '' : output.color.yellow(`skipped: ${skipped}`),
  ])
  const columns = [{ title: 'tick' }, { title: 'job', align: 'right' as const }, { title: '' }]
  for (const line of formatTable(columns, rows, output.color.bold)) output.line(line)
}

async function change(
  context: CommandContext,
  { json }: Options,
  work: (jobs: Jobs) => Promise<RecurringInfo>,
  needsCode = false,
): Promise<void> {
  await using opened = await (needsCode ? openJobsWithCode(context) : openJobs(context))
  const info = await work(opened.jobs)
  if (json) context.output.json(info)
  else print([info], context.output)
}

async function run(context: CommandContext, { json }: Options, name: string): Promise<void> {
  await using opened = await openJobsWithCode(context)
  const { id, wasEnqueued } = await opened.jobs.recurring.runNow(name)
  if (json) context.output.json({ id, wasEnqueued })
  else context.output.line(wasEnqueued ? `Job ${id} is enqueued.` : `Job ${id} has the same unique key.`)
}

async function remove(context: CommandContext, { json }: Options, name: string): Promise<void> {
  await using opened = await openJobsWithCode(context)
  opened.jobs.recurring.next(name, 1)
  const changed = await opened.jobs.recurring.remove(name)
  if (json) context.output.json({ changed })
  else context.output.line(`The recurring job ${name} is removed.`)
}

function countOf({ count = '5' }: Options): number {
  return Number(readWholeNumber('--count', count, { min: 1, max: 1_000 }))
}

function readEdit({ cron, every, timeZone, payload }: Options): Parameters<Jobs['recurring']['edit']>[1] {
  const edit = {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every: every as `${number}m` }),
    ...(timeZone !== undefined && { timeZone }),
    ...(payload !== undefined && { payload: readJson('--payload', payload) }),
  }
  if (Object.keys(edit).length > 0) return edit
  throw new UsageError(
    'jobs recurring edit: expected something to change',
    'Give --cron, --every, --time-zone or --payload.',
  )
}
