import { readCheckout } from '../../branches/index.ts'
import { formatSize } from '../../core/index.ts'
import type { Command } from '../command.ts'
import { formatTable } from '../table.ts'
import { openBranches } from './open.ts'

/** `handcar branch list` */
export const list: Command<{ json?: true }> = {
  name: 'list',
  summary: 'List the branches that have a database',
  options: [{ flags: '--json', description: 'print them as JSON' }],
  examples: ['handcar branch list', 'handcar branch list --json'],
  async run(context, { json }) {
    const { branches, branch } = await openBranches(context)
    const { output, folder } = context
    const inGit = readCheckout(folder).branches
    const all = (await branches.list()).map((each) => ({
      ...each,
      isCurrent: each.name === branch.name,
      isInGit: inGit.has(each.name) || each.isDefault,
    }))
    if (json) return output.json(all)
    const columns = [
      { title: 'branch' },
      { title: 'size', align: 'right' as const },
      { title: 'made at' },
      { title: 'began with' },
      { title: '' },
    ]
    const rows = all.map(({ name, bytes, createdAt, from = '', isCurrent, isInGit, isDefault }) => [
      isCurrent ? output.color.green(`* ${name}`) : `  ${name}`,
      formatSize(bytes),
      createdAt === undefined ? '' : new Date(createdAt).toISOString().slice(0, 19).replace('T', ' '),
      from,
      isDefault ? 'default' : isInGit ? '' : output.color.yellow('not in git'),
    ])
    for (const line of formatTable(columns, rows, output.color.bold)) output.line(line)
  },
}
