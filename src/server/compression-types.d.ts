/** The package has no types; this is the part of it that handcar uses. */
declare module 'compression' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Options {
    threshold?: number
    filter?: (request: IncomingMessage, response: ServerResponse) => boolean
  }
  type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void

  const compression: {
    (options?: Options): Middleware
    filter: (request: IncomingMessage, response: ServerResponse) => boolean
  }
  export default compression
}
