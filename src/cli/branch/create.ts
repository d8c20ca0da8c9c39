import { HandcarError } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { nameArgument, openBranches, otherBranch } from './open.ts'

type Options = { from?: string; json?: true }

/** `handcar branch create` */
export const create: Command<Options> = {
  name: 'create',
  summary: 'Make a database for a branch',
  description: '`handcar dev` does it by itself when it is first started on a branch.',
  arguments: [nameArgument],
  options: [
    {
      flags: '--from <what>',
      description:
        "data: a copy of the default branch's database; schema: empty tables, made by the migrations (default: as database.branches says)",
      choices: ['data', 'schema'],
    },
    { flags: '--json', description: 'print { name, data } as JSON' },
  ],
  examples: ['handcar branch create', 'handcar branch create feature/prices --from schema'],
  async run(context, { from, json }, name?: string) {
    const open = await openBranches(context)
    const chosen = otherBranch(open, name)
    const { data } = open.branches.place(chosen)
    if (!(await open.branches.create(chosen, (from as 'data' | 'schema') ?? open.branch.from)))
      throw new HandcarError(
        'HANDCAR_BRANCH_EXISTS',
        `The branch ${chosen} has a database already, in ${data}`,
      )
    if (json) context.output.json({ name: chosen, data })
    else context.output.line(`Made a database for ${context.output.color.bold(chosen)} in ${data}.`)
  },
}
