import { inspect } from 'node:util'
import type { BatchGraph, JobDetails } from '../../jobs/index.ts'
import type { Output } from '../command.ts'
import { formatDuration } from '../format.ts'
import { formatTable } from '../table.ts'
import { trimStack } from '../trim-stack.ts'
import { colorOfState, describeState, firstLine, formatRelative } from './job-table.ts'
import { describeNeeds, describeWorkflow } from './job-tree.ts'

/** How much of the last stack is shown. */
const mostFrames = 5

/** Tells everything about a job to people: lines of text. */
export function describeJob(
  job: JobDetails,
  graph: BatchGraph | undefined,
  output: Output,
  now: number,
): string[] {
  const { bold } = output.color
  const title = `${bold(`job ${job.id}`)}  ${bold(job.name)}  ${describeState(job, output)}`
  return [
    title,
    '',
    ...facts(job, output, now),
    ...(job.payload === null ? [] : section('payload', value(job.payload), output)),
    ...(job.result === undefined ? [] : section('result', value(job.result), output)),
    ...(job.progress === undefined ? [] : section('progress', value(job.progress), output)),
    ...section('failed attempts', attempts(job, output, now), output),
    ...section('steps', steps(job, output, now), output),
    ...section('log', logs(job, output), output),
    ...section('needs', describeNeeds(job.needs, output), output),
    ...section('needed by', describeNeeds(job.neededBy, output), output),
    ...section('workflow', graph === undefined ? [] : describeWorkflow(graph, job.id, output), output),
  ]
}

function facts(job: JobDetails, output: Output, now: number): string[] {
  const { membership: batch } = job
  const moment = (time: Date | undefined): string | undefined =>
    time && `${time.toISOString()}  ${output.color.dim(formatRelative(time, now))}`
  const isWaiting = job.state === 'scheduled' || job.state === 'retryable'
  const all: [string, string | undefined][] = [
    ['reason', job.reason === undefined ? undefined : colorOfState(job.state, output)(job.reason)],
    ['queue', job.queue],
    ['priority', job.priority === 0 ? undefined : String(job.priority)],
    ['attempts', attemptsOf(job)],
    ['crashes', job.crashes === 0 ? undefined : String(job.crashes)],
    ['tags', job.tags.length === 0 ? undefined : job.tags.join(', ')],
    ['created', moment(job.createdAt)],
    ['begun', moment(job.attemptedAt)],
    [
      job.state === 'retryable' ? 'tried again' : 'runs',
      isWaiting ? (moment(job.scheduledAt) ?? 'when it is woken') : undefined,
    ],
    ['ended', moment(job.finishedAt)],
    ['asked to end', job.state === 'running' ? job.cancelReason : undefined],
    ['worker', job.state === 'available' || job.state === 'scheduled' ? undefined : job.worker],
    ['enqueued by', job.parent === undefined ? undefined : `job ${job.parent}`],
    [
      'batch',
      batch &&
        `${batch.id}${batch.name === undefined ? '' : `  ${batch.name}`}  ${batchState(batch, output)}`,
    ],
    ['unique key', job.uniqueKey],
    ['limit key', job.limitKey],
    ['rate key', job.rateKey],
    ['fair key', job.fairKey],
    ['trace', job.trace],
  ]
  const rows = all.flatMap(([name, text]) => (text === undefined ? [] : [[output.color.dim(name), text]]))
  return formatTable([{ title: '' }, { title: '' }], rows).slice(1)
}

function attemptsOf({ attempt, maxAttempts, claims }: JobDetails): string {
  const uncounted = claims <= attempt ? '' : `, begun ${claims === 1 ? 'once' : `${claims} times`} in all`
  return `${attempt} of ${maxAttempts}${uncounted}`
}

function batchState(batch: NonNullable<JobDetails['membership']>, output: Output): string {
  const { state, total, completed, discarded, cancelled } = batch
  const failed = discarded + cancelled
  const counts = `${completed} of ${total} completed${failed > 0 ? `, ${failed} not` : ''}`
  return `${colorOfState(state, output)(state)}, ${counts}`
}

function attempts(job: JobDetails, output: Output, now: number): string[] {
  if (job.errors.length === 0) return []
  const rows = job.errors.map(({ attempt, startedAt, duration, worker, error }) => [
    String(attempt),
    formatRelative(startedAt, now),
    formatDuration(duration),
    worker ?? '–',
    output.color.red(firstLine(error, output)),
  ])
  const columns = [
    { title: '#', align: 'right' as const },
    { title: 'begun' },
    { title: 'took', align: 'right' as const },
    { title: 'worker' },
    { title: 'error' },
  ]
  const frames = trimStack(job.errors.at(-1)?.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, mostFrames)
  return [
    ...formatTable(columns, rows, output.color.dim),
    ...frames.map((line) => output.color.dim(`  ${line.trim()}`)),
  ]
}

function steps(job: JobDetails, output: Output, now: number): string[] {
  if (job.steps.length === 0) return []
  const rows = job.steps.map((step) => {
    const { name, kind, state, startedAt, finishedAt, wakeAt, event, error } = step
    const took = finishedAt === undefined ? '' : formatDuration(finishedAt.getTime() - startedAt.getTime())
    const waits = state === 'waiting' || state === 'sleeping' || state === 'retrying'
    const until = !waits ? '' : ((wakeAt && formatRelative(wakeAt, now)) ?? 'when it is woken')
    const what = [
      event && `event ${event}`,
      until,
      error && output.color.red(firstLine(error, output)),
      kind === 'cursor' && inspect(step.result, oneLine),
    ]
    return [
      name,
      kind,
      colorOfState(state, output)(state),
      formatRelative(startedAt, now),
      took,
      what.filter(Boolean).join('  '),
    ]
  })
  const columns = [
    { title: 'step' },
    { title: 'kind' },
    { title: 'state' },
    { title: 'begun' },
    { title: 'took', align: 'right' as const },
    { title: '' },
  ]
  return formatTable(columns, rows, output.color.dim)
}

function logs(job: JobDetails, { color }: Output): string[] {
  return job.logs.map(({ at, text }) => `${color.dim(at.toISOString())}  ${text}`)
}

const oneLine = { breakLength: Infinity, compact: true, depth: 3 }

function value(of: unknown): string[] {
  return inspect(of, { depth: 10, breakLength: 100, maxStringLength: 2_000, maxArrayLength: 100 }).split('\n')
}

function section(title: string, lines: readonly string[], { color }: Output): string[] {
  return lines.length === 0 ? [] : ['', color.bold(title), ...lines.map((line) => `  ${line}`)]
}
