import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import compression from 'compression'
import type { LimitedRequest } from './limited-request.ts'

/** Smaller answers fit into one packet anyway. */
const threshold = 1_024
const middleware = compression({
  threshold,
  filter: (request, response) => {
    const isText = compression.filter(request, response)
    if (isText) weakenTag(response)
    return isText
  },
})
/** Answers that have no body, or a piece of one. */
const wholeless = new Set([204, 206, 304])

/**
 * Whether the middleware should look at an answer at all. It replaces four methods of each response it sees, which costs more
 * than a small answer itself: so it sees only those that it may compress.
 */
export function isWorthCompressing(
  response: ServerResponse,
  status: number,
  headers: OutgoingHttpHeaders,
): boolean {
  const length = lengthOf(response, headers)
  if (length !== undefined && length < threshold) return false
  const { method, headers: asked } = response.req
  return method !== 'HEAD' && asked['accept-encoding'] !== undefined && !wholeless.has(status)
}

/**
 * Has the middleware take a response over, whose head is about to be written with `headers`: it decides by content type and
 * by what the client accepts. A stream stays a stream: what was written is sent on at once.
 */
export function compress(
  request: LimitedRequest,
  response: ServerResponse & { flush?: () => void },
  headers: OutgoingHttpHeaders,
): void {
  const isStream = lengthOf(response, headers) === undefined
  middleware(request, response, () => {})
  if (isStream) flushWrites(response)
}

/** The adapter keeps the length of a body that it knows in the field that Node itself keeps it in. */
function lengthOf(response: ServerResponse, headers: OutgoingHttpHeaders): number | undefined {
  const announced = headers['content-length'] ?? headers['Content-Length']
  if (announced !== undefined) return Number(announced)
  return (response as { _contentLength?: number | null })._contentLength ?? undefined
}

/** Byte for byte the compressed answer is another one. */
function weakenTag(response: ServerResponse): void {
  const tag = response.getHeader('etag')
  if (typeof tag === 'string' && tag.startsWith('"')) response.setHeader('etag', `W/${tag}`)
}

/** Sends on what was written within one turn of the event loop. */
function flushWrites(response: ServerResponse & { flush?: () => void }): void {
  const write = response.write.bind(response) as (...parameters: unknown[]) => boolean
  let isFlushing = false
  response.write = ((...parameters: unknown[]) => {
    if (!isFlushing) {
      isFlushing = true
      setImmediate(() => {
        isFlushing = false
        if (!response.writableEnded && !response.destroyed) response.flush?.()
      })
    }
    return write(...parameters)
  }) as ServerResponse['write']
}
