import { create } from '../branch/create.ts'
import { deleteBranches } from '../branch/delete.ts'
import { diff } from '../branch/diff.ts'
import { list } from '../branch/list.ts'
import { merge } from '../branch/merge.ts'
import { prune } from '../branch/prune.ts'
import type { CommandGroup } from '../command.ts'

/** `handcar branch` */
export const command: CommandGroup = {
  name: 'branch',
  summary: 'A database for each git branch, in development: list, create, diff, merge, delete, prune',
  description:
    'With HANDCAR_BRANCHES=1, or the setting database.branches, `handcar dev` gives each git branch a database of its own, which begins as a copy of that of the default branch. Never in production.',
  examples: [
    'handcar branch list',
    'handcar branch diff feature/prices',
    'handcar branch merge feature/prices',
  ],
  commands: [list, create, diff, merge, deleteBranches, prune],
}
