import type { JobInfo } from '../../jobs/index.ts'
import type { Output } from '../command.ts'
import { formatDuration } from '../format.ts'
import { formatTable, type Column } from '../table.ts'

const columns: readonly Column[] = [
  { title: 'id', align: 'right' },
  { title: 'job' },
  { title: 'queue' },
  { title: 'state' },
  { title: 'attempt', align: 'right' },
  { title: 'when' },
  { title: 'reason' },
]
const longestReason = 70

/** Writes jobs as a table. */
export function printJobs(jobs: readonly JobInfo[], output: Output, now = Date.now()): void {
  const rows = jobs.map((job) => [
    String(job.id),
    job.name,
    job.queue,
    describeState(job, output),
    `${job.attempt}/${job.maxAttempts}`,
    describeWhen(job, now),
    firstLine(job.reason ?? '', output),
  ])
  for (const line of formatTable(columns, rows, output.color.bold)) output.line(line)
}

/** A state, with what holds an available job up. */
export function describeState(
  { state, hold }: Pick<JobInfo, 'hold'> & { state: string },
  output: Output,
): string {
  return colorOfState(state, output)(hold === undefined ? state : `${state} (${hold})`)
}

/** The colour that a state of a job or batch has. */
export function colorOfState(state: string, { color }: Output): (text: string) => string {
  switch (state) {
    case 'completed':
    case 'running':
    case 'done':
      return color.green
    case 'retryable':
    case 'retrying':
      return color.yellow
    case 'discarded':
    case 'failed':
      return color.red
    case 'cancelled':
      return color.dim
    default:
      return (text) => text
  }
}

/** What a time says about a job in its state: when it ended, since when it runs or waits, when it will run. */
function describeWhen(job: JobInfo, now: number): string {
  const { state, createdAt, scheduledAt, attemptedAt, finishedAt } = job
  if (finishedAt !== undefined) return formatRelative(finishedAt, now)
  if (state === 'running') return `for ${formatDuration(Math.max(0, now - (attemptedAt?.getTime() ?? now)))}`
  if (state === 'scheduled' && scheduledAt === undefined) return 'until it is woken'
  if (state === 'scheduled' || state === 'retryable') return formatRelative(scheduledAt ?? createdAt, now)
  return formatRelative(createdAt, now)
}

/** Writes a time for people: `3 m ago`, `in 2 h 5 m`. */
export function formatRelative(time: Date, now: number): string {
  const distance = time.getTime() - now
  if (Math.abs(distance) < 1_000) return 'now'
  // Milliseconds of hours are of no use to anybody.
  const rounded = formatDuration(Math.round(Math.abs(distance) / 1_000) * 1_000)
  return distance > 0 ? `in ${rounded}` : `${rounded} ago`
}

/** The first line of a text; on a terminal a long one would break the table. */
export function firstLine(text: string, { isTerminal }: Output): string {
  const line = text.split('\n', 1)[0]!
  return isTerminal && line.length > longestReason ? `${line.slice(0, longestReason - 1)}…` : line
}

/** Writes a count of jobs: `1 job`, `1,204 jobs`. */
export function countJobs(count: number): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? 'job' : 'jobs'}`
}
