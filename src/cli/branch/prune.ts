import { readCheckout } from '../../branches/index.ts'
import { formatSize } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { openBranches } from './open.ts'

type Options = { yes?: true; json?: true }

/** `handcar branch prune` */
export const prune: Command<Options> = {
  name: 'prune',
  summary: 'Delete the databases of branches that git has no longer',
  description: 'The branch that is checked out and the default branch stay in any case.',
  options: [
    { flags: '--yes', description: 'do it; without it, it only shows which are meant' },
    { flags: '--json', description: 'print { preview, branches } as JSON' },
  ],
  examples: ['handcar branch prune', 'handcar branch prune --yes'],
  async run(context, { yes = false, json }) {
    const { branches, branch } = await openBranches(context)
    const { output, folder } = context
    const inGit = readCheckout(folder).branches
    const gone = (await branches.list()).filter(
      ({ name, isDefault }) => !isDefault && name !== branch.name && !inGit.has(name),
    )
    if (yes) for (const { name } of gone) await branches.delete(name)
    if (json) return output.json({ preview: !yes, branches: gone.map(({ name }) => name) })
    if (gone.length === 0) return output.line('Git has all branches that have a database.')
    for (const { name, bytes } of gone) output.line(`${name} ${output.color.dim(formatSize(bytes))}`)
    output.line(yes ? 'Deleted.' : `These would be deleted; add ${output.color.bold('--yes')} to do it.`)
  },
}
