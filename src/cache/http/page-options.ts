import { option, OptionsError, readOptions, type Duration, type Size } from '../../core/index.ts'
import { readTags } from '../entries/entry-options.ts'
import { readTtl } from '../options.ts'

/** Options of {@link cachePages} and {@link cacheFetch}. `Subject` is what their functions get: the context of Hono, or the request. */
export interface PageOptions<Subject> {
  /**
   * What the pages are made of: `cache.invalidate` of one of these tags ends them. The handler can name more in the header
   * `Cache-Tag: post:1, user:2` of its response, which is not sent. Either `tags` or `ttl` must be given.
   */
  tags?: readonly string[] | ((subject: Subject) => readonly string[])
  /** How long a page is fresh. Default: until it is invalidated or evicted. */
  ttl?: Duration | null
  /** For how long after its ttl a page is kept, to answer with when the handler fails. Default: 0. */
  grace?: Duration
  /** For how long after its ttl a page is still sent at once, while it is made anew behind it. `cachePages` needs `fetch` for it. Default: 0. */
  staleWhileRevalidate?: Duration
  /**
   * What of the request matters beside its address and what the response names in `Vary`: who is signed in, for example. `undefined`: this
   * request is not answered from the cache. Without this function no request with cookies is.
   */
  key?: (subject: Subject) => string | undefined
  /**
   * What browsers and proxies are told when the handler says nothing. Default: `'no-cache'`, keep it and ask each time whether it still
   * holds; with `key`, `'private, no-cache'`.
   */
  cacheControl?: string
  /** The largest body that is kept. Default: `'1mb'`. */
  maxBody?: Size
  /** How long a request waits for another one that makes the same page, before it makes it itself. Default: `'10s'`. */
  maxWait?: Duration
}

/** The same, resolved. */
export interface PageSettings<Subject> {
  readonly tags: (subject: Subject) => readonly string[]
  readonly key: ((subject: Subject) => string | undefined) | undefined
  readonly ttl: number | null | undefined
  readonly grace: number
  readonly staleWhileRevalidate: number
  readonly cacheControl: string
  readonly maxBody: number
  readonly maxWait: number
}

/** @throws OptionsError */
export function readPageOptions<Subject>(
  owner: string,
  options: PageOptions<Subject>,
): PageSettings<Subject> {
  const { tags, key, ...rest } = readOptions(owner, options, {
    tags: (value: unknown, name: string) => (typeof value === 'function' ? value : readTags(value, name)),
    key: option.optional(
      option.matching('a function', (value): value is Function => typeof value === 'function'),
    ),
    ttl: (value: unknown, name: string) => (value === undefined ? undefined : readTtl(value, name)),
    grace: option.duration(0),
    staleWhileRevalidate: option.duration(0),
    cacheControl: option.text(options?.key === undefined ? 'no-cache' : 'private, no-cache'),
    maxBody: option.size(1_024 ** 2),
    maxWait: option.duration(10_000),
  })
  if (options?.tags === undefined && options?.ttl === undefined) {
    throw new OptionsError(
      'HANDCAR_OPTION_INVALID',
      `${owner} expects the option "tags" or "ttl", got neither`,
    )
  }
  return {
    ...rest,
    key: key as PageSettings<Subject>['key'],
    tags: typeof tags === 'function' ? (tags as PageSettings<Subject>['tags']) : () => tags,
  }
}
