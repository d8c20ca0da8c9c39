import { HandcarError, nearestName, parseDuration, type Duration } from '../../core/index.ts'
import type { AnyJobDefinition, EnqueueOptions, Jobs } from '../../jobs/index.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { describeState } from './job-table.ts'
import { openJobsWithCode } from './open.ts'
import { readInteger, readJson, readList, readMoment } from './values.ts'

type Options = {
  at?: string
  queue?: string
  priority?: string
  tags?: string
  wait?: string
  json?: true
}

/** `handcar jobs enqueue` */
export const enqueue: Command<Options> = {
  name: 'enqueue',
  summary: 'Enqueue a job of the app',
  description: "The app's code is loaded: the payload has to fit the schema of the job.",
  arguments: [
    { name: 'name', description: 'name of the job' },
    { name: 'payload', description: 'what it gets, as JSON', optional: true },
  ],
  options: [
    {
      flags: '--at <time>',
      description: 'when: 30m for half an hour from now, or 2026-11-20T09:30 (default: now)',
    },
    { flags: '--queue <queue>', description: 'in the place of that of its definition' },
    { flags: '--priority <number>', description: 'in the place of that of its definition' },
    { flags: '--tags <tags>', description: 'words to find it by, with commas' },
    { flags: '--wait <duration>', description: 'wait so long for its end, and print its result' },
    { flags: '--json', description: 'print { id, wasEnqueued }, with --wait also { result }, as JSON' },
  ],
  examples: [
    `handcar jobs enqueue welcome-mail '{ "userId": 5 }'`,
    'handcar jobs enqueue repair-counters --wait 1m',
    'handcar jobs enqueue report --at 2026-11-21T06:00 --tags monthly',
  ],
  async run(context, options, name, payload) {
    const { output } = context
    const { wait, json } = options
    const value = payload === undefined ? undefined : readJson('payload', payload)
    const given = readOptions(options)
    if (wait !== undefined && parseDuration(wait) === undefined)
      throw new UsageError(`--wait: expected a span such as 30s, got "${wait}"`, 'Correct the span.')
    await using opened = await openJobsWithCode(context)
    const { jobs } = opened
    const handle = await jobs.enqueue(definitionOf(jobs, name), value, given)
    const { id, wasEnqueued } = handle
    if (wait === undefined) {
      if (json) return output.json({ id, wasEnqueued })
      const job = await jobs.get(id)
      const state = job === undefined ? '' : `, ${describeState(job, output)}`
      return output.line(
        wasEnqueued ? `Job ${id} is enqueued${state}.` : `Job ${id} has the same unique key${state}.`,
      )
    }
    const result = await handle.result({ timeout: wait as Duration })
    if (json) output.json({ id, wasEnqueued, result: result ?? null })
    else if (result === undefined) output.line(`Job ${id} has completed.`)
    else output.json(result)
  },
}

function definitionOf({ definitions }: Jobs, name: string): AnyJobDefinition {
  const definition = definitions.get(name)
  if (definition !== undefined) return definition
  const known = [...definitions.keys()].sort()
  const nearest = nearestName(name, known)
  throw new HandcarError('HANDCAR_JOB_UNKNOWN', `The app has no job "${name}"`, {
    fix:
      nearest !== undefined
        ? `Did you mean "${nearest}"?`
        : known.length > 0
          ? `Jobs: ${known.join(', ')}.`
          : 'Export its definition from the module that the setting `jobs.definitions` names: src/jobs.ts.',
  })
}

function readOptions({ at, queue, priority, tags }: Options): EnqueueOptions {
  return {
    ...(at !== undefined && { at: readMoment('--at', at, 1) }),
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority: readInteger('--priority', priority) }),
    ...(tags !== undefined && { tags: readList(tags) }),
  }
}
