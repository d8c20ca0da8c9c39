import { inspect } from 'node:util'
import type { Command } from '../command.ts'
import { namespaceOf, namespaceOption, openCache, type NamespaceOption } from './open.ts'

/** `handcar cache get` */
export const get: Command<NamespaceOption & { json?: true }> = {
  name: 'get',
  summary: 'Print the value of a key',
  description: 'The exit code is 1 when there is none that is fresh. Bytes are printed as they are.',
  arguments: [{ name: 'key', description: 'a key' }],
  options: [
    namespaceOption,
    { flags: '--json', description: 'print { found, value }; what JSON does not know is left out' },
  ],
  examples: ['handcar cache get user:1', "handcar cache get user:1 --json | jq '.value.name'"],
  async run(context, { json, ...options }, key: string) {
    const { output } = context
    await using opened = await openCache(context)
    const keys = namespaceOf(opened.cache, options)
    const values = await keys.getMany([key])
    const found = values.has(key)
    const value = values.get(key)
    if (json) output.json({ found, ...(found && { value: plain(value) }) })
    else if (!found) output.warn(`There is no value of ${key}.`)
    else if (value instanceof Uint8Array) process.stdout.write(value)
    else
      output.line(typeof value === 'string' ? value : inspect(value, { depth: null, maxArrayLength: null }))
    return found ? 0 : 1
  },
}

/** As far as JSON can say it. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return typeof value === 'bigint' ? String(value) : value
}
