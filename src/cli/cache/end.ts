import type { Command } from '../command.ts'
import { namespaceOf, namespaceOption, openCache, type NamespaceOption } from './open.ts'

/** `handcar cache delete` */
export const deleteKeys: Command<NamespaceOption & { json?: true }> = {
  name: 'delete',
  summary: 'Delete values by their keys',
  description: 'The exit code is 1 when one of them was not there.',
  arguments: [{ name: 'keys...', description: 'keys' }],
  options: [namespaceOption, { flags: '--json', description: 'print { deleted } as JSON' }],
  examples: ['handcar cache delete user:1', 'handcar cache delete front about --namespace pages'],
  async run(context, { json, ...options }, ...keys) {
    await using opened = await openCache(context)
    const deleted = await namespaceOf(opened.cache, options).deleteMany(keys)
    if (json) context.output.json({ deleted })
    else context.output.line(deleted === 1 ? '1 value deleted.' : `${deleted} values deleted.`)
    return deleted < new Set(keys).size ? 1 : 0
  },
}

/** `handcar cache clear` */
export const clear: Command<NamespaceOption> = {
  name: 'clear',
  summary: 'End all values, or those of a namespace',
  description:
    'It takes effect at once, in all processes. The app makes its values anew as they are asked for.',
  options: [namespaceOption],
  examples: ['handcar cache clear', 'handcar cache clear --namespace pages'],
  async run(context, options) {
    await using opened = await openCache(context)
    await namespaceOf(opened.cache, options).clear()
    const { namespace = [] } = options
    context.output.line(
      namespace.length === 0 ? 'The cache is empty.' : `The namespace ${namespace.join(' / ')} is empty.`,
    )
  },
}

/** `handcar cache invalidate` */
export const invalidate: Command = {
  name: 'invalidate',
  summary: 'End all values that have one of the tags',
  description:
    'It takes effect at once, in all processes. The app does this itself when it writes; this is for rows that were changed by other means.',
  arguments: [{ name: 'tags...', description: 'tags' }],
  examples: ['handcar cache invalidate posts', 'handcar cache invalidate user:1 user:2'],
  async run(context, _options, ...tags) {
    await using opened = await openCache(context)
    await opened.cache.invalidate(...tags)
    context.output.line(`What has the ${tags.length === 1 ? 'tag' : 'tags'} ${tags.join(', ')} is ended.`)
  },
}
