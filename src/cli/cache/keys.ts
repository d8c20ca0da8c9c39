import type { Command } from '../command.ts'
import { readWholeNumber } from '../whole-number.ts'
import { namespaceOf, namespaceOption, openCache, type NamespaceOption } from './open.ts'

type Options = NamespaceOption & { prefix?: string; limit?: string; after?: string; json?: true }

/** `handcar cache keys` */
export const keys: Command<Options> = {
  name: 'keys',
  summary: 'List keys that have a fresh value',
  description: 'In the order of the file, which is none for people. It walks through the file.',
  options: [
    { flags: '--prefix <text>', description: 'only keys that begin with it' },
    namespaceOption,
    { flags: '--limit <number>', description: 'how many at most (default: 100)' },
    { flags: '--after <key>', description: 'go on after this key, where a list has ended' },
    { flags: '--json', description: 'print a list as JSON' },
  ],
  examples: ['handcar cache keys', 'handcar cache keys --prefix user: --limit 1000'],
  async run(context, { prefix, limit = '100', after, json, ...options }) {
    const { output } = context
    const most = Number(readWholeNumber('--limit', limit, { min: 1, max: 1_000_000 }))
    await using opened = await openCache(context)
    const found = await namespaceOf(opened.cache, options).keys({
      ...(prefix !== undefined && { prefix }),
      ...(after !== undefined && { after }),
      limit: most + 1,
    })
    const shown = found.slice(0, most)
    if (json) return output.json(shown)
    for (const key of shown) output.line(key)
    if (shown.length === 0) output.warn(output.color.dim('no keys'))
    if (found.length > most) output.warn(output.color.dim(`there are more: --after '${shown.at(-1)}'`))
  },
}
