import { clientHasIt } from './conditional.ts'
import type { Answer } from './pages.ts'

/** What a response is made of. */
export interface Parts {
  readonly status: 200 | 304
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer> | null
}

/** They describe a body, and are not sent without one (RFC 9110, 15.4.5). */
const ofBody = ['content-type', 'content-length', 'content-encoding', 'content-language', 'last-modified']

/** The response with a page: the whole of it, or `304` when the client has it. */
export function partsOf(
  { page, madeOf }: Extract<Answer, { page: unknown }>,
  request: Request,
  cacheControl: string,
): Parts {
  const headers = new Headers(madeOf?.headers ?? page.headers.map(([name, value]) => [name, value]))
  headers.delete('cache-tag')
  headers.set('etag', page.etag)
  if (!headers.has('cache-control')) headers.set('cache-control', cacheControl)
  // RFC 9211: shows in the tools of the browser where a page came from.
  headers.set('cache-status', madeOf === undefined ? 'handcar; hit' : 'handcar; fwd=miss')
  if (clientHasIt(request.headers, page.etag, headers.get('last-modified') ?? undefined)) {
    for (const name of ofBody) headers.delete(name)
    return { status: 304, headers, body: null }
  }
  return { status: 200, headers, body: request.method === 'HEAD' ? null : page.body }
}

/** A response without the tags that were meant for the cache. */
export function withoutTags(response: Response): Response {
  if (!response.headers.has('cache-tag')) return response
  const headers = new Headers(response.headers)
  headers.delete('cache-tag')
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
