import type { Command } from '../command.ts'
import { readWholeNumber } from '../whole-number.ts'
import { filterOptions, readFilterOptions, type FilterOptions } from './filter-options.ts'
import { printJobs } from './job-table.ts'
import { openJobs } from './open.ts'
import { readId, readIds, readList } from './values.ts'

type Options = FilterOptions & { ids?: string; limit?: string; below?: string; json?: true }

/** `handcar jobs list` */
export const list: Command<Options> = {
  name: 'list',
  summary: 'List jobs, the newest first',
  description: `Options narrow the list; a job has to fit all of them. Tables of any size can be searched: it happens in a process beside this
one, in slices, and the app does not notice.`,
  options: [
    ...filterOptions,
    { flags: '--ids <ids>', description: 'ids of jobs, with commas' },
    { flags: '--limit <number>', description: 'how many at most (default: 50)' },
    { flags: '--below <id>', description: 'go on below this id, where a list has ended' },
    { flags: '--json', description: 'print { jobs, next } as JSON' },
  ],
  examples: [
    'handcar jobs list',
    'handcar jobs list --state discarded --after 2h',
    'handcar jobs list --name welcome-mail --payload user.id=5',
    'handcar jobs list --error ECONNREFUSED --limit 200',
    "handcar jobs list --state running --json | jq '.jobs[].id'",
  ],
  async run(context, { ids, limit = '50', below, json, ...options }) {
    const { output } = context
    const filter = {
      ...readFilterOptions(options),
      ...(ids !== undefined && { ids: readIds(readList(ids)) }),
    }
    const page = {
      limit: Number(readWholeNumber('--limit', limit, { min: 1, max: 10_000 })),
      ...(below !== undefined && { after: readId(below) }),
    }
    await using opened = await openJobs(context, { readOnly: true })
    const { jobs, next } = await opened.jobs.list(filter, page)
    if (json) return output.json({ jobs, next: next ?? null })
    if (jobs.length === 0) return output.warn(output.color.dim('no jobs'))
    printJobs(jobs, output)
    if (next !== undefined) output.warn(output.color.dim(`there are more: --below ${next}`))
  },
}
