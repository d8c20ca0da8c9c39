import { option, OptionsError, describe, readOptions, type Duration } from '../../core/index.ts'
import { readSpan, readTtl } from '../options.ts'
import { longestKey } from './key.ts'

/** How an entry is kept. */
export interface EntryOptions {
  /** How long it is fresh; `null`: until it is evicted. Default: the option `ttl` of the cache. */
  ttl?: Duration | null
  /** For how long after that it is kept, for `getOrSet` to fall back to. Default: 0. */
  grace?: Duration
  /** What it is made of: `invalidate` of one of these tags ends it. Default: none. */
  tags?: readonly string[]
}

/** The same, resolved. */
export interface Keeping {
  readonly ttl: number | null
  readonly grace: number
  readonly tags: readonly string[]
}

/** Reads {@link EntryOptions}, quickly where there is nothing wrong with them. */
export function readEntryOptions(
  owner: string,
  options: EntryOptions | undefined,
  defaults: Keeping,
): Keeping {
  if (options === undefined) return defaults
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return readOptions(owner, options, {}) as never
  for (const name in options) {
    if (name !== 'ttl' && name !== 'grace' && name !== 'tags') readSlowly(owner, options)
  }
  const { ttl, grace, tags } = options
  return {
    ttl: ttl === undefined ? defaults.ttl : readTtl(ttl, `${owner} option "ttl"`),
    grace: grace === undefined ? defaults.grace : readSpan(grace, `${owner} option "grace"`),
    tags: tags === undefined ? defaults.tags : readTags(tags, `${owner} option "tags"`),
  }
}

function readSlowly(owner: string, options: EntryOptions): void {
  readOptions(owner, options, {
    ttl: readTtl,
    grace: option.optional((value, name) => readSpan(value, name)),
    tags: readTags,
  })
}

const most = 100

/**
 * Reads a list of tags.
 *
 * @throws OptionsError `HANDCAR_CACHE_TAG`
 */
export function readTags(value: unknown, name: string): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw option.invalidOption(name, 'a list of tags', value)
  if (value.length > most)
    throw new OptionsError('HANDCAR_CACHE_TAG', `${name}: expected at most ${most} tags, got ${value.length}`)
  for (const tag of value as unknown[]) checkTag(tag)
  return value as string[]
}

/** Refuses what cannot be a tag. */
export function checkTag(tag: unknown): asserts tag is string {
  if (typeof tag !== 'string' || tag === '' || tag.includes('\0') || !tag.isWellFormed())
    throw new OptionsError('HANDCAR_CACHE_TAG', `Expected a tag that is a text, got ${describe(tag)}`)
  if (Buffer.byteLength(tag) > longestKey)
    throw new OptionsError('HANDCAR_CACHE_TAG', `Expected a tag of at most ${longestKey} bytes`)
}
