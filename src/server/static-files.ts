import { statSync, type ReadStream } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import sirv from 'sirv'
import { invalidOption } from '../core/index.ts'
import type { Exchange } from './exchange.ts'
import type { ResolvedStaticFiles } from './options.ts'

/** Serves a file if the request asks for one; tells whether it did. */
export type StaticFilesHandler = (exchange: Exchange) => boolean

const year = 31_536_000

/**
 * Lists the files of a folder and makes the function that serves them: ETag and 304, ranges, `.br` and `.gz` files that lie
 * beside a file, `index.html` of a folder, `/about` for `about.html`.
 *
 * @throws OptionsError when there is no such folder
 */
export function serveFolder(options: ResolvedStaticFiles): StaticFilesHandler {
  const { folder, immutable, live } = options
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw invalidOption('Server option "staticFiles" folder', 'the path of a folder that exists', folder)
  const serve = sirv(folder, {
    dev: live,
    etag: true,
    gzip: true,
    brotli: true,
    maxAge: Math.floor(options.maxAge / 1_000),
    setHeaders: (response, path) => {
      response.once('pipe', (file) => watchFile(file as ReadStream, response))
      if (!live && immutable.test(path))
        response.setHeader('Cache-Control', `public,max-age=${year},immutable`)
    },
  })
  const prefix = options.url.replace(/\/+$/, '')
  return (exchange) => {
    const { req: request } = exchange
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    const url = request.url!
    if (!isInside(url, prefix) || isHidden(url)) return false
    dropUnfitRange(request)
    let isServed = true
    request.url = url.slice(prefix.length) || '/'
    serve(request, exchange, () => {
      isServed = false
    })
    request.url = url
    return isServed
  }
}

function isInside(url: string, prefix: string): boolean {
  return url.startsWith(prefix) && (url.length === prefix.length || url[prefix.length] === '/')
}

/** A path with a name that begins with a dot, other than `/.well-known/`. */
function isHidden(url: string): boolean {
  if (!url.includes('/.') && !url.includes('%')) return false
  try {
    return /\/\.(?!well-known\/)/.test(decodeURIComponent(url.split('?', 1)[0]!))
  } catch {
    return true
  }
}

/**
 * A server may answer any range with the whole. The library reads only `bytes=from-to` and does not know `If-Range`, with
 * which a client says that it can use a part only of the file that it knows.
 */
function dropUnfitRange({ headers }: IncomingMessage): void {
  if (headers.range === undefined) return
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range) ?? []
  const isFit = from !== undefined && (to === '' || Number(to) >= Math.max(1, Number(from)))
  if (!isFit || headers['if-range'] !== undefined) delete headers.range
}

/**
 * The library opens the file and leaves it alone: but the file may be gone, the client may be gone in the middle of it, and
 * an answer to HEAD needs no file.
 */
function watchFile(file: ReadStream, response: ServerResponse): void {
  file.on('error', () => response.destroy())
  response.once('close', () => file.destroy())
  if (response.req.method !== 'HEAD') return
  file.destroy()
  response.end()
}
