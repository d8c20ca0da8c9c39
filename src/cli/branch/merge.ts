import { Snapshots } from '../../backup/index.ts'
import type { Command } from '../command.ts'
import { nameArgument, openBranches, otherBranch, type OpenBranches } from './open.ts'
import { printPlan } from './print-plan.ts'

type Options = { dryRun?: true; prefer?: string; json?: true }

/** `handcar branch merge` */
export const merge: Command<Options> = {
  name: 'merge',
  summary: 'Bring the rows that a branch has added, changed and deleted into the default branch',
  description:
    'Merge the code and run `handcar migrate` on both branches first: the tables have to be the same. Rows are compared, by primary key, with what the branch began with. With conflicts nothing is merged, they are listed, and the exit code is 1. A snapshot of the default branch is made before.',
  arguments: [nameArgument],
  options: [
    { flags: '--dry-run', description: 'only show what would be done' },
    {
      flags: '--prefer <side>',
      description: 'which side wins a conflict: branch, or target (the default branch)',
      choices: ['branch', 'target'],
    },
    { flags: '--json', description: 'print { isMerged, schema, tables, withoutKey } as JSON' },
  ],
  examples: [
    'handcar branch merge feature/prices --dry-run',
    'handcar branch merge feature/prices',
    'handcar branch merge feature/prices --prefer branch',
  ],
  async run(context, { dryRun, prefer, json }, name?: string) {
    const { output } = context
    const open = await openBranches(context)
    const chosen = otherBranch(open, name)
    const plan = await open.branches.diff(chosen)
    const done = dryRun ? { ...plan, isMerged: false } : await mergeAfterSnapshot(open, chosen, prefer)
    if (json) output.json(done)
    else {
      printPlan(done, output)
      const into = open.branch.defaultBranch
      if (done.isMerged) output.line(`Merged ${output.color.bold(chosen)} into ${into}.`)
      else output.line(dryRun ? 'Nothing was changed.' : `Nothing was merged. ${howToDecide}`)
    }
    return done.isMerged || dryRun ? 0 : 1
  },
}

const howToDecide = 'Mend the rows on one of the branches, or decide with --prefer branch or --prefer target.'

async function mergeAfterSnapshot({ branches, branch, config }: OpenBranches, name: string, prefer?: string) {
  const { extensions } = config.database
  const path = branches.path(branch.defaultBranch)
  const { keep } = config.backup.snapshots
  const snapshots = new Snapshots({ path, keep, ...(extensions && { extensions }) })
  await snapshots.create({ reason: 'merge', note: `before ${name}` })
  return await branches.merge(name, prefer as 'branch' | 'target' | undefined)
}
