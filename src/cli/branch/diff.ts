import type { Command } from '../command.ts'
import { nameArgument, openBranches, otherBranch } from './open.ts'
import { printPlan } from './print-plan.ts'

/** `handcar branch diff` */
export const diff: Command<{ json?: true }> = {
  name: 'diff',
  summary: 'Show what a branch has changed: tables, rows, and conflicts with the default branch',
  description: 'Changes nothing. The exit code is 1 when a merge would meet conflicts.',
  arguments: [nameArgument],
  options: [{ flags: '--json', description: 'print { schema, tables, withoutKey } as JSON' }],
  examples: ['handcar branch diff', 'handcar branch diff feature/prices --json'],
  async run(context, { json }, name?: string) {
    const open = await openBranches(context)
    const plan = await open.branches.diff(otherBranch(open, name))
    if (json) context.output.json(plan)
    else printPlan(plan, context.output)
    return plan.tables.some(({ conflicts }) => conflicts.length > 0) || plan.withoutKey.length > 0 ? 1 : 0
  },
}
