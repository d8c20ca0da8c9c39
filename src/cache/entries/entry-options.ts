import {
  option,
  OptionsError,
  describe,
  parseDuration,
  readOptions,
  type Duration,
} from '../../core/index.ts'
import { readTtl } from '../options.ts'
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
    ttl: ttl === undefined ? defaults.ttl : quickDuration(owner, 'ttl', ttl),
    grace: grace === undefined ? defaults.grace : (quickDuration(owner, 'grace', grace) ?? 0),
    tags: tags === undefined ? defaults.tags : readTags(tags, `${owner} option "tags"`),
  }
}

function readSlowly(owner: string, options: EntryOptions): void {
  readOptions(owner, options, { ttl: readTtl, grace: option.duration(0), tags: readTags })
}

function quickDuration(owner: string, name: string, value: unknown): number | null {
  if (typeof value === 'number' && value >= 0 && value < 1e15) return Math.round(value)
  if (value === null && name === 'ttl') return null
  const duration = parseDuration(value)
  if (duration === undefined || duration >= 1e15)
    throw option.invalidOption(
      `${owner} option "${name}"`,
      "a duration such as 500 (milliseconds), '30s', '5m'",
      value,
    )
  return Math.round(duration)
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
