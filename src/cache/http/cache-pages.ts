import { OptionsError } from '../../core/index.ts'
import type { Cache } from '../cache.ts'
import { checkCache } from '../check-cache.ts'
import type { Namespace } from '../namespace.ts'
import { readPageOptions, type PageOptions } from './page-options.ts'
import { Pages, type Made, type Remake } from './pages.ts'
import { partsOf, withoutTags, type Parts } from './parts.ts'

/** What {@link cachePages} needs of the context of Hono. */
export interface PageContext {
  readonly req: { readonly raw: Request }
  get res(): Response
  set res(response: Response | undefined)
  newResponse(body: Uint8Array<ArrayBuffer> | null, init: { status: 200 | 304; headers: Headers }): Response
}

/** Options of {@link cachePages}. */
export interface CachePagesOptions<Context> extends PageOptions<Context> {
  /** Answers a request of its own: `(request) => app.fetch(request)`. `staleWhileRevalidate` makes pages with it. */
  fetch?: (request: Request) => Response | Promise<Response>
}

/**
 * Middleware of Hono that answers with pages from the cache where it can.
 *
 * ```ts
 * app.get('/', cachePages(cache, { tags: ['posts'] }), (c) => c.html(render()))
 * ```
 *
 * Which requests and responses it touches, and what it never keeps: `docs/parts/cache-http.md`.
 *
 * @throws OptionsError
 */
export function cachePages<Context extends PageContext>(
  cache: Cache | Namespace,
  options: CachePagesOptions<Context>,
): (context: Context, next: () => Promise<void>) => Promise<Response | undefined> {
  checkCache('cachePages', cache, 'getOrSet')
  const { fetch, ...rest } = options ?? {}
  const settings = readPageOptions('cachePages', rest)
  if (settings.staleWhileRevalidate > 0 && typeof fetch !== 'function') {
    throw new OptionsError(
      'HANDCAR_OPTION_INVALID',
      'cachePages option "staleWhileRevalidate" expects the option "fetch" beside it, such as (request) => app.fetch(request)',
    )
  }
  const pages = new Pages(cache, settings)
  const refreshes = new Refreshes()
  const remake: Remake | undefined = fetch && ((request) => refreshes.make(request, fetch))
  return async (context, next) => {
    const request = context.req.raw
    let before: Headers | undefined
    const make = async (): Promise<Made> => {
      before = context.newResponse(null, { status: 200, headers: new Headers() }).headers
      await next()
      return { response: context.res, before }
    }
    if (refreshes.has(request)) {
      refreshes.made(request, await make())
      replace(context, new Response(null, { status: 204 }))
      return undefined
    }
    const answer = await pages.answer(request, context, make, remake)
    if ('response' in answer) {
      const response = withoutTags(answer.response)
      if (response !== context.res) replace(context, response)
      return undefined
    }
    const parts = partsOf(answer, request, settings.cacheControl)
    // Before the handler has run, Hono adds what other middleware has said about headers; afterwards it has done so, to what was made.
    if (before === undefined) return context.newResponse(parts.body, parts)
    if (answer.madeOf === undefined) addMissing(parts.headers, before)
    replace(context, responseOf(parts))
    return undefined
  }
}

/** Hono would add the headers of the response that was there to the one that takes its place. */
function replace(context: PageContext, response: Response): void {
  context.res = undefined
  context.res = response
}

function addMissing(headers: Headers, others: Headers): void {
  for (const [name, value] of others)
    if (name === 'set-cookie' || !headers.has(name)) headers.append(name, value)
}

const responseOf = ({ status, headers, body }: Parts): Response => new Response(body, { status, headers })

/**
 * Pages that are made behind an answer. The context of that answer is used up, so they go through the app as requests of their own;
 * what the handler makes is caught here, before middleware further out adds what belongs to one answer.
 */
class Refreshes {
  readonly #made = new WeakMap<Request, Made | undefined>()

  has(request: Request): boolean {
    return this.#made.has(request)
  }

  made(request: Request, made: Made): void {
    this.#made.set(request, made)
  }

  async make(request: Request, fetch: (request: Request) => Response | Promise<Response>): Promise<Made> {
    this.#made.set(request, undefined)
    const outer = await fetch(request)
    const made = this.#made.get(request)
    if (made === undefined)
      throw new Error(`The page ${request.url} was not made anew: the app answered ${outer.status} before`)
    return made
  }
}
