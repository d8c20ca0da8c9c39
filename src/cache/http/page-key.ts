import { createHash } from 'node:crypto'
import { longestKey } from '../entries/key.ts'

/** Headers of a request, and their values: what a page depends on. */
export type VaryValues = Readonly<Record<string, string>>

/** The values that a request has for some headers. */
export function varyValues(request: Headers, names: readonly string[]): VaryValues {
  return Object.fromEntries(names.map((name) => [name, request.get(name) ?? '']))
}

/** Whether a request has the values with which a page was made. */
export function isFor(request: Headers, vary: VaryValues): boolean {
  return Object.entries(vary).every(([name, value]) => (request.get(name) ?? '') === value)
}

/** The key of a page; of its address alone when it is too long for a key. */
export function pageKey(url: string, personal: string | undefined, vary: VaryValues): string {
  const parts = [`page ${url}`]
  if (personal !== undefined) parts.push(`key=${JSON.stringify(personal)}`)
  for (const name of Object.keys(vary).sort()) parts.push(`${name}=${JSON.stringify(vary[name])}`)
  return shortened(parts.join(' '))
}

function shortened(key: string): string {
  if (Buffer.byteLength(key) <= longestKey) return key
  return `page sha256:${createHash('sha256').update(key).digest('hex')}`
}
