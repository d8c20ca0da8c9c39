import { HandcarError } from '../../core/index.ts'
import type { JobEdit } from '../../jobs/index.ts'
import type { Command } from '../command.ts'
import { UsageError } from '../usage-error.ts'
import { readWholeNumber } from '../whole-number.ts'
import { openJobsWithCode, whoActs } from './open.ts'
import { readId, readInteger, readJson, readList } from './values.ts'

type Options = {
  payload?: string
  queue?: string
  priority?: string
  maxAttempts?: string
  tags?: string
  json?: true
}

/** `handcar jobs edit` */
export const edit: Command<Options> = {
  name: 'edit',
  summary: 'Change a job that does not run',
  description: `The app's code is loaded: a new payload has to fit the schema of the job. To run a discarded job with another payload, edit it and
then retry it.`,
  arguments: [{ name: 'id', description: 'id of the job' }],
  options: [
    { flags: '--payload <json>', description: 'the whole payload' },
    { flags: '--queue <queue>', description: 'the queue' },
    { flags: '--priority <number>', description: 'the priority: smaller first' },
    { flags: '--max-attempts <number>', description: 'how often it is tried' },
    { flags: '--tags <tags>', description: "all its tags, with commas; '' for none" },
    { flags: '--json', description: 'print the job as JSON' },
  ],
  examples: [
    `handcar jobs edit 4711 --payload '{ "to": "anna@example.com" }'`,
    'handcar jobs edit 4711 --queue slow --priority 10',
  ],
  async run(context, options, word) {
    const id = readId(word)
    const changes = readChanges(options)
    if (Object.keys(changes).length === 0)
      throw new UsageError('jobs edit: expected something to change', 'Run `handcar jobs edit --help`.')
    await using opened = await openJobsWithCode(context)
    const { jobs } = opened
    if (!(await jobs.edit(id, { ...changes, by: whoActs(context) })))
      throw new HandcarError('HANDCAR_JOB_MISSING', `There is no job ${id}`)
    if (options.json) context.output.json(await jobs.get(id))
    else context.output.line(`Job ${id} is changed: ${Object.keys(changes).join(', ')}.`)
  },
}

function readChanges({ payload, queue, priority, maxAttempts, tags }: Options): JobEdit {
  return {
    ...(payload !== undefined && { payload: readJson('--payload', payload) }),
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority: readInteger('--priority', priority) }),
    ...(maxAttempts !== undefined && {
      maxAttempts: Number(readWholeNumber('--max-attempts', maxAttempts, { min: 1, max: 1_000_000 })),
    }),
    ...(tags !== undefined && { tags: readList(tags) }),
  }
}
