import { option, OptionsError } from '../../core/index.ts'
import type { Cache } from '../cache.ts'
import { checkCache } from '../check-cache.ts'
import type { Namespace } from '../namespace.ts'
import type { FetchOptions } from '../single-flight/fetch-options.ts'

/** A piece of HTML, as the templates of Hono have it: they do not escape it again. */
export type Html = string & { readonly isEscaped: true }

/**
 * A piece of a page from the cache; when there is none, what `render` makes: the JSX or `html` of Hono, or a text of HTML that is safe.
 *
 * ```tsx
 * <ul>{posts.map((post) => fragment(cache, `post:${post.id}`, { tags: [`post:${post.id}`] }, () => <Post post={post} />))}</ul>
 * ```
 *
 * Two pieces need two keys. A change of the template does not end what is kept: put a number into the key, or clear the cache when a release is
 * made.
 *
 * @throws OptionsError `HANDCAR_CACHE_VALUE` for what is sent bit by bit (`Suspense`); what `cache.getOrSet` throws
 */
export async function fragment(
  cache: Cache | Namespace,
  key: string,
  options: FetchOptions,
  render: () => unknown,
): Promise<Html> {
  checkCache('fragment', cache, 'getOrSet')
  if (typeof render !== 'function') throw option.invalidOption('fragment render', 'a function', render)
  const text = await cache.getOrSet(key, options, () => textOf(render()))
  return Object.assign(new String(text), { isEscaped: true as const }) as unknown as Html
}

async function textOf(rendered: unknown): Promise<string> {
  const made: unknown = await rendered
  // The JSX of Hono is a tree until it is asked for its text, which may be a promise and have more to come.
  const html: unknown = await (made as { toString(): unknown }).toString()
  for (const each of [made, html]) {
    if (((each as { callbacks?: unknown[] }).callbacks?.length ?? 0) > 0) {
      throw new OptionsError(
        'HANDCAR_CACHE_VALUE',
        'Expected HTML that is complete, got some that is sent bit by bit',
      )
    }
  }
  return String(html)
}
