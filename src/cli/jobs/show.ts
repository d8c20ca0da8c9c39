import { HandcarError } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { describeJob } from './job-story.ts'
import { openJobs } from './open.ts'
import { readId } from './values.ts'

/** `handcar jobs show` */
export const show: Command<{ json?: true }> = {
  name: 'show',
  summary: 'Tell the whole story of a job',
  description:
    'Its state and why, its payload and result, the attempts that have failed with their errors, its log, its durable steps, its batch, and the jobs that it needs or that need it.',
  arguments: [{ name: 'id', description: 'id of the job' }],
  options: [{ flags: '--json', description: 'print everything as JSON, also the stacks of errors' }],
  examples: ['handcar jobs show 4711', "handcar jobs show 4711 --json | jq '.errors[-1].stack'"],
  async run(context, { json }, word) {
    const { output } = context
    const id = readId(word)
    await using opened = await openJobs(context, { readOnly: true })
    const job = await opened.jobs.get(id)
    if (job === undefined) throw new HandcarError('HANDCAR_JOB_MISSING', `There is no job ${id}`)
    if (json) return output.json(job)
    const graph = job.batch === undefined ? undefined : opened.jobs.getBatch(job.batch)?.graph()
    for (const line of describeJob(job, graph, output, Date.now())) output.line(line)
  },
}
