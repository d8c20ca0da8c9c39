import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The client as one minified file without imports, for pages that have no bundler. */
export interface ClientFile {
  readonly text: string
  /** For `ETag`. */
  readonly tag: string
}

/** Written by the build; there is none where handcar runs from its sources. */
const built = new URL('./client.min.js', import.meta.url)

/** Names that only the client itself says. None of them may be a key of a message, of an event or of the public interface. */
const internalNames =
  /^(attempts|next|transmit|settle|blame|interrupted|confirmed|reached|presenceChanged|isActive|begin|tell|ended|nextId|forget|tooMany|emit|ask|reach|receive|queue)$/

let file: Promise<ClientFile> | undefined

/** The client's file: as the build has written it, else bundled from the sources, once per process. */
export function clientFile(): Promise<ClientFile> {
  file ??= readFile(built, 'utf8')
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return bundleClient()
    })
    .then((text) => ({
      text,
      tag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`,
    }))
  // What could not be read may be there at the next request.
  file.catch(() => (file = undefined))
  return file
}

/** Answers `GET <path>/client.js`. Browsers keep it, and ask each time whether it is still the same. */
export async function answerClientFile(request: Request): Promise<Response> {
  const { text, tag } = await clientFile()
  const headers = { 'cache-control': 'no-cache', etag: tag }
  if (request.headers.get('if-none-match')?.includes(tag)) return new Response(null, { status: 304, headers })
  return new Response(text, { headers: { ...headers, 'content-type': 'text/javascript; charset=utf-8' } })
}

/** Makes one file of the client's sources, with esbuild: at build time, and in development. */
export async function bundleClient(): Promise<string> {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./client/index.ts', import.meta.url))],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    mangleProps: internalNames,
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]!.text
}
