import { option } from '../../core/index.ts'
import type { Cache } from '../cache.ts'
import { checkCache } from '../check-cache.ts'
import type { Namespace } from '../namespace.ts'
import { readPageOptions, type PageOptions } from './page-options.ts'
import { Pages, type Made } from './pages.ts'
import { partsOf, withoutTags } from './parts.ts'

/**
 * A `fetch` function that answers with pages from the cache where it can.
 *
 * ```ts
 * export default { fetch: cacheFetch(cache, app.fetch, { tags: ['posts'] }) }
 * ```
 *
 * Which requests and responses it touches, and what it never keeps: `docs/parts/cache-http.md`.
 *
 * @param fetch Answers a request; further arguments are passed on.
 * @throws OptionsError
 */
export function cacheFetch<Rest extends unknown[]>(
  cache: Cache | Namespace,
  fetch: (request: Request, ...rest: Rest) => Response | Promise<Response>,
  options: PageOptions<Request>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  checkCache('cacheFetch', cache, 'getOrSet')
  if (typeof fetch !== 'function') throw option.invalidOption('cacheFetch fetch', 'a function', fetch)
  const settings = readPageOptions('cacheFetch', options)
  const pages = new Pages(cache, settings)
  return async (request, ...rest) => {
    const make = async (of: Request): Promise<Made> => ({ response: await fetch(of, ...rest) })
    const answer = await pages.answer(request, request, () => make(request), make)
    if ('response' in answer) return withoutTags(answer.response)
    const { status, headers, body } = partsOf(answer, request, settings.cacheControl)
    return new Response(body, { status, headers })
  }
}
