import { createServer, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { stripVTControlCharacters } from 'node:util'
import type { DevFailure } from './protocol.ts'

/** Answers every request with the reason why the app does not run. */
export class ErrorPage {
  readonly #server: Server
  #failure: DevFailure | undefined

  constructor() {
    this.#server = createServer((_request, response) => this.#answer(response))
  }

  /** Answers the requests of a connection. */
  serve(socket: Socket, failure: DevFailure): void {
    this.#failure = failure
    this.#server.emit('connection', socket)
    socket.resume()
  }

  /** Answers a connection whose request has been read by somebody else, who cannot answer it any more. */
  conclude(socket: Socket, failure: DevFailure): void {
    const page = pageOf(failure)
    const head = Object.entries({ ...headers, 'content-length': Buffer.byteLength(page) })
    const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.end(`HTTP/1.1 500 Internal Server Error\r\n${lines}\r\n${page}`, () => socket.destroy())
  }

  #answer(response: ServerResponse): void {
    response.writeHead(500, headers)
    response.end(pageOf(this.#failure!))
  }
}

/** The next request shall come on a connection of its own, which the app may serve by then. */
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  connection: 'close',
}

function pageOf({ message, story, code, fix }: DevFailure): string {
  const paragraphs = [fix, code].filter((text) => text !== undefined)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${escaped(message)}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 3rem auto; max-width: 60rem; padding: 0 1rem }
  h1 { font-size: 1.4rem; color: #b00020 }
  pre { background: #f6f6f6; color: #222; padding: 1rem; overflow: auto }
</style>
<h1>${escaped(message)}</h1>
${paragraphs.map((text) => `<p>${escaped(text)}</p>`).join('\n')}
<pre>${escaped(stripVTControlCharacters(story))}</pre>
<p>The app starts again when a file changes. Then reload this page.</p>
</html>
`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => entities[character]!)
