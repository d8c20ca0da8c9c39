import type { Command } from '../command.ts'
import { openBranches, otherBranch } from './open.ts'

/** `handcar branch delete` */
export const deleteBranches: Command<{ json?: true }> = {
  name: 'delete',
  summary: 'Delete the databases of branches, with all that is in their data folders',
  description:
    'The branches of git stay. `handcar dev` makes a new database when it is started on one again.',
  arguments: [{ name: 'names...', description: 'branches' }],
  options: [{ flags: '--json', description: 'print the list of names as JSON' }],
  examples: ['handcar branch delete feature/prices'],
  async run(context, { json }, ...names) {
    const open = await openBranches(context)
    const chosen = names.map((name) => otherBranch(open, name))
    for (const name of chosen) await open.branches.delete(name)
    if (json) context.output.json(chosen)
    else context.output.line(`Deleted the database of ${chosen.join(', ')}.`)
  },
}
