import { option, readOptions, type Duration } from '../../core/index.ts'
import { readTags, type EntryOptions, type Keeping } from '../entries/entry-options.ts'
import { optionalTtl, readSpan } from '../options.ts'

/** Options of {@link Cache.getOrSet}. */
export interface FetchOptions extends EntryOptions {
  /** The ttl of a value that is `undefined` or `null`. Default: `ttl`. */
  negativeTtl?: Duration | null
  /**
   * For how long after its ttl a value is still handed out at once, while a new one is made behind it. Default: 0.
   */
  staleWhileRevalidate?: Duration
  /** How long a caller waits for the factory when there is a stale value to hand out instead. Default: until it is done. */
  softTimeout?: Duration
  /** How long a caller waits at all; then the factory is aborted. Default: until it is done. */
  hardTimeout?: Duration
  /** After the factory has failed and a stale value was handed out: for how long it is not called again. Default: `'10s'`. */
  graceBackoff?: Duration
  /**
   * Makes a new value some time before the old one expires, at random, the earlier the longer it takes (XFetch); `true` or 1 for the usual,
   * a larger number for earlier. Default: `false`.
   */
  earlyRefresh?: boolean | number
  /** Makes a new value whatever there is. Default: `false`. */
  forceFresh?: boolean
}

/** The same, resolved. */
export interface Fetching extends Keeping {
  readonly negativeTtl: number | null | undefined
  readonly staleWhileRevalidate: number
  readonly softTimeout: number | undefined
  readonly hardTimeout: number | undefined
  readonly graceBackoff: number
  readonly earlyRefresh: number
  readonly forceFresh: boolean
}

/** Reads {@link FetchOptions}. */
export function readFetchOptions(options: FetchOptions | undefined, defaults: Keeping): Fetching {
  const given = readOptions('cache.getOrSet', options, readers)
  const { ttl, grace = defaults.grace, staleWhileRevalidate = 0, graceBackoff = 10_000 } = given
  return {
    ...given,
    ttl: ttl === undefined ? defaults.ttl : ttl,
    grace: Math.max(grace, staleWhileRevalidate),
    staleWhileRevalidate,
    graceBackoff,
  }
}

const optionalSpan = option.optional((value, name) => readSpan(value, name))

const readers = {
  ttl: optionalTtl,
  grace: optionalSpan,
  tags: readTags,
  negativeTtl: optionalTtl,
  staleWhileRevalidate: optionalSpan,
  softTimeout: optionalSpan,
  hardTimeout: optionalSpan,
  graceBackoff: optionalSpan,
  earlyRefresh: readEarlyRefresh,
  forceFresh: option.flag(false),
}

function readEarlyRefresh(value: unknown, name: string): number {
  if (value === undefined || value === false) return 0
  if (value === true) return 1
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value
  throw option.invalidOption(name, 'true, false, or a number that is not negative', value)
}
