import type { RealtimeUser } from '../channels/channel-types.ts'
import { identify, type ClientEnvironment } from '../connections/identify.ts'
import type { Census } from '../connections/census.ts'
import type { Client } from '../connections/connection.ts'
import type { ConnectionsOptions } from '../connections/needs.ts'
import { isListed, mayConnect } from '../connections/origin.ts'

/** A plain answer, with an error as the protocol has it. */
export function answerError(status: number, code: string, message: string, id?: number): Response {
  return Response.json(
    { error: { code, message }, ...(id !== undefined && { id }) },
    { status, headers: uncached },
  )
}

/** No cache may keep an answer. */
export const uncached: Record<string, string> = { 'cache-control': 'no-store' }

/** Finds out who a request is from; a `Response` is its refusal. */
export async function admit(
  request: Request,
  environment: unknown,
  { options, census }: { readonly options: ConnectionsOptions; readonly census: Census },
): Promise<Client | Response> {
  if (!mayConnect((name) => headerOf(request, name), options.origins))
    return answerError(403, 'forbidden', 'This page may not connect')
  const identity = await census.arrivals.identify(() => identify(request, options))
  if (identity === 'refused') return answerError(401, 'not-authenticated', 'Who are you?')
  if (identity === 'failed') return answerError(503, 'failed', 'Who this is could not be checked')
  const { user }: { user: RealtimeUser | undefined } = identity
  const { clientAddress = '' } = (environment ?? {}) as ClientEnvironment
  return { user, address: clientAddress, request: () => request }
}

/** Lets the page read the answer that its origin may have, where that is another one than the server's. */
export function allowOrigin(request: Request, response: Response, origins: readonly string[]): Response {
  const origin = request.headers.get('origin')
  if (origin === null || !isListed(origin, origins)) return response
  response.headers.set('access-control-allow-origin', origin)
  response.headers.append('vary', 'origin')
  // With '*' anybody may come, but not with somebody's cookies.
  if (origins.includes(origin)) response.headers.set('access-control-allow-credentials', 'true')
  return response
}

/** Answers the question of a browser whether a page of another origin may send. */
export function answerPreflight(request: Request, origins: readonly string[]): Response {
  const response = new Response(null, { status: 204 })
  response.headers.set('access-control-allow-methods', 'GET, POST')
  response.headers.set('access-control-allow-headers', 'authorization, content-type, last-event-id')
  response.headers.set('access-control-max-age', '600')
  return allowOrigin(request, response, origins)
}

/** The host is in the address, where the header is not to be seen. */
function headerOf(request: Request, name: string): string | undefined {
  return request.headers.get(name) ?? (name === 'host' ? new URL(request.url).host : undefined)
}
