import type { BatchGraph, GraphJob, JobDetails } from '../../jobs/index.ts'
import type { Output } from '../command.ts'
import { colorOfState } from './job-table.ts'

/** A workflow that is larger than this is not drawn. */
const mostJobs = 50

/** Draws the jobs that a job is joined with, as the branches of a tree. */
export function describeNeeds(related: JobDetails['needs'], output: Output): string[] {
  return related.map(({ kind, id, name, state, need }, index) => {
    const branch = index === related.length - 1 ? '└─' : '├─'
    const of = kind === 'batch' ? `batch ${id}` : String(id)
    if (state === undefined) return [branch, `${of} `, output.color.dim('deleted')].join(' ')
    const note = need === 'failed' ? output.color.dim(' (failed)') : ''
    const words = [of, name, colorOfState(state, output)(state) + note].filter((each) => each !== undefined)
    return `${branch} ${words.join('  ')}`
  })
}

/** Draws a workflow as a tree: each job below the last of those that it needs; nothing for a batch in which nobody needs anybody. */
export function describeWorkflow(graph: BatchGraph, self: number, output: Output): string[] {
  const { jobs } = graph
  if (jobs.length > mostJobs || jobs.every(({ needs }) => needs.length === 0)) return []
  const known = new Map(jobs.map((job) => [job.id, job]))
  const children = Map.groupBy(jobs, (job) => parentOf(job, known))
  const draw = (job: GraphJob, indent: string, branch: string): string[] => {
    const below = children.get(job.id) ?? []
    const mark = job.id === self ? output.color.bold('  ◂ this job') : ''
    const further = job.needs.length > 1 ? output.color.dim(`  needs ${namesOf(job, known)}`) : ''
    const state = colorOfState(job.state, output)(job.state)
    const inner = branch === '' ? '' : branch === '└─ ' ? `${indent}   ` : `${indent}│  `
    return [
      `${indent}${branch}${job.id}  ${job.name ?? job.job}  ${state}${further}${mark}`,
      ...below.flatMap((each, index) => draw(each, inner, index === below.length - 1 ? '└─ ' : '├─ ')),
    ]
  }
  return (children.get(undefined) ?? []).flatMap((root) => draw(root, '', ''))
}

/** The last job that a job needs: the others are named beside it. */
function parentOf({ id, needs }: GraphJob, known: ReadonlyMap<number, GraphJob>): number | undefined {
  return needs.findLast((need) => need.kind === 'job' && need.id < id && known.has(need.id))?.id
}

function namesOf({ needs }: GraphJob, known: ReadonlyMap<number, GraphJob>): string {
  return needs
    .map(({ kind, id }) => (kind === 'batch' ? `batch ${id}` : (known.get(id)?.name ?? id)))
    .join(', ')
}
