import type { ConnectionsOptions } from '../connections/needs.ts'
import type { Sends } from '../connections/sends.ts'
import { openEventStream, type StreamHost } from './event-stream.ts'
import { admit, allowOrigin, answerError, answerPreflight } from './http.ts'
import { answerPost } from './post.ts'

/** What the endpoint works with. */
export interface EndpointHost extends StreamHost {
  readonly options: ConnectionsOptions
  readonly sends: Sends
  /** Whether the process is being emptied. */
  readonly isDraining: boolean
}

/** Answers the requests of clients that have no WebSocket: `GET` with an event stream, `POST` of a message with its answer. */
export class Endpoint {
  readonly #host: EndpointHost

  constructor(host: EndpointHost) {
    this.#host = host
  }

  /** @param environment What the server knows of the request: `clientAddress`. */
  async fetch(request: Request, environment: unknown): Promise<Response> {
    const { origins } = this.#host.options
    if (request.method === 'OPTIONS') return answerPreflight(request, origins)
    return allowOrigin(request, await this.#answer(request, environment), origins)
  }

  async #answer(request: Request, environment: unknown): Promise<Response> {
    const { options, sends, isDraining } = this.#host
    const isStream = request.method === 'GET'
    if (!isStream && request.method !== 'POST') return answerError(405, 'malformed', 'Expected GET or POST')
    const client = await admit(request, environment, this.#host)
    if (client instanceof Response) return client
    if (isStream) return openEventStream(request, client, this.#host)
    if (isDraining) return answerError(503, 'stopping', 'The server restarts; send it again')
    return answerPost(request, client, sends, options.limits.messageSize)
  }
}
