import { createHash } from 'node:crypto'
import { option, readOptions, type OptionReader } from '../../core/index.ts'
import { checkCache } from '../check-cache.ts'
import { longestKey } from '../entries/key.ts'
import {
  rateLimitReaders,
  readRateLimitOptions,
  type RateLimitOptions,
  type RateLimitResult,
} from './rate-limits.ts'

/** What the middleware needs of the cache. */
interface Limiter {
  rateLimit: (key: string, options: RateLimitOptions) => Promise<RateLimitResult>
}

/** What the middleware needs of a request's context: what Hono gives it. */
export interface LimitedContext {
  /** Bindings of the server: handcar's says `clientAddress`. */
  readonly env: unknown
  /** Sets a header of the answer. */
  header: (name: string, value: string) => void
}

/** Options of {@link rateLimitMiddleware}; the limit itself is said as for `cache.rateLimit`. */
export interface RateLimitMiddlewareOptions<Context> extends Omit<RateLimitOptions, 'cost'> {
  /** Names the limit in its keys and headers, so that several count for themselves. Default: `'default'`. */
  name?: string
  /**
   * Who is counted; `undefined` for a request that is not limited. Default: the address of the client, as handcar's server knows it;
   * behind a proxy see the server's option `trustProxy`.
   */
  key?: (context: Context) => string | undefined | Promise<string | undefined>
  /** What a request takes. Default: 1. */
  cost?: number | ((context: Context) => number)
  /**
   * `'separate'`: RateLimit-Limit, -Remaining and -Reset. `'combined'`: RateLimit and RateLimit-Policy, as the present draft of the IETF
   * has them. `false`: none. Retry-After is sent in any case. Default: `'separate'`.
   */
  headers?: HeaderStyle | false
  /** Makes the answer to a request that is refused. Default: 429 with a line of text. */
  onLimit?: (context: Context, result: RateLimitResult) => Response | Promise<Response>
}

type HeaderStyle = 'separate' | 'combined'

const readName: OptionReader<string> = (value, name) => {
  if (value === undefined) return 'default'
  if (typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)) return value
  throw option.invalidOption(name, 'at most 64 letters, digits, "_", "-" and "."', value)
}

const aFunction = option.optional(
  option.matching('a function', (value): value is Function => typeof value === 'function'),
)

const readers = {
  ...rateLimitReaders,
  name: readName,
  key: aFunction,
  cost: (value: unknown, name: string) =>
    typeof value === 'function' ? value : rateLimitReaders.cost(value, name),
  headers: (value: unknown, name: string) =>
    value === false ? value : option.oneOf<HeaderStyle>(['separate', 'combined'], 'separate')(value, name),
  onLimit: aFunction,
}

/**
 * A middleware for Hono, or anything whose middlewares look like its, that refuses requests above a limit with 429.
 *
 * ```ts
 * app.use('/login', rateLimitMiddleware(cache, { name: 'login', limit: 5, window: '1m' }))
 * ```
 *
 * @throws OptionsError
 */
export function rateLimitMiddleware<Context extends LimitedContext>(
  cache: Limiter,
  options: RateLimitMiddlewareOptions<Context>,
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  checkCache('rateLimitMiddleware', cache, 'rateLimit')
  const { name, headers } = readOptions('rateLimitMiddleware', options, readers)
  const { name: _name, headers: _headers, key = addressOf, cost = 1, onLimit = refuse, ...limiting } = options
  const limited = typeof cost === 'number' ? { ...limiting, cost } : limiting
  const { window } = readRateLimitOptions('rateLimitMiddleware', limited)
  return async (context, next) => {
    const who = await key(context)
    if (who === undefined) {
      await next()
      return undefined
    }
    const amount = typeof cost === 'function' ? cost(context) : cost
    const result = await cache.rateLimit(keyOf(name, who), { ...limiting, cost: amount })
    let answer: Response | undefined
    if (result.allowed) await next()
    else answer = await onLimit(context, result)
    const lines = Object.entries(rateLimitHeaders(result, { style: headers, name, window }))
    if (answer === undefined) {
      for (const [header, value] of lines) context.header(header, value)
      return undefined
    }
    // An answer that came from elsewhere may have headers that cannot be changed.
    const changed = new Response(answer.body, answer)
    for (const [header, value] of lines) changed.headers.set(header, value)
    return changed
  }
}

/** What is said of a limit in the headers of an answer. */
export interface RateLimitHeaderOptions {
  /** See {@link RateLimitMiddlewareOptions.headers}. Default: `'separate'`. */
  style?: HeaderStyle | false
  /** Default: `'default'`. */
  name?: string
  /** The window of the limit, for `'combined'`. */
  window?: RateLimitOptions['window']
}

/** The headers that tell a client of a limit, for apps without middlewares: RateLimit-*, and Retry-After when it is refused. */
export function rateLimitHeaders(
  result: RateLimitResult,
  options: RateLimitHeaderOptions = {},
): Record<string, string> {
  const { style = 'separate', name = 'default', window } = options
  const headers: Record<string, string> = {}
  const reset = Math.ceil(result.resetAfter / 1_000)
  if (style === 'separate') {
    headers['RateLimit-Limit'] = String(result.limit)
    headers['RateLimit-Remaining'] = String(result.remaining)
    headers['RateLimit-Reset'] = String(reset)
  } else if (style === 'combined') {
    const quoted = JSON.stringify(name)
    const seconds =
      window === undefined
        ? undefined
        : Math.ceil(option.duration(0)(window, 'rateLimitHeaders option "window"') / 1_000)
    headers['RateLimit-Policy'] = `${quoted};q=${result.limit}${seconds === undefined ? '' : `;w=${seconds}`}`
    headers['RateLimit'] = `${quoted};r=${result.remaining};t=${reset}`
  }
  if (!result.allowed) headers['Retry-After'] = String(Math.max(1, Math.ceil(result.retryAfter / 1_000)))
  return headers
}

/** Whoever asks may choose what the key is made of: what is too long is counted by its digest. */
function keyOf(name: string, who: string): string {
  const key = `${name}:${who}`.toWellFormed()
  if (Buffer.byteLength(key) <= longestKey) return key
  return `${name}:${createHash('sha256').update(key).digest('base64url')}`
}

function addressOf(context: LimitedContext): string {
  const { clientAddress } = (context.env ?? {}) as { clientAddress?: unknown }
  if (typeof clientAddress === 'string') return clientAddress
  throw option.invalidOption(
    'rateLimitMiddleware option "key"',
    'a function, as the server tells no clientAddress',
    undefined,
  )
}

const refuse = (): Response => new Response('Too many requests\n', { status: 429 })
