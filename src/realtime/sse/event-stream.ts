import type { Client, Connection } from '../connections/connection.ts'
import type { Census } from '../connections/census.ts'
import type { Subscriptions } from '../connections/subscriptions.ts'
import type { Transport } from '../connections/transport.ts'
import { EventStreamTransport } from './event-stream-transport.ts'
import { answerError, uncached } from './http.ts'

/** What an event stream needs of the connections. */
export interface StreamHost {
  readonly census: Census
  readonly subscriptions: Subscriptions
  readonly accept: (client: Client, transport: Transport) => Connection
  readonly closed: (connection: Connection, code: number) => void
}

const headers = {
  ...uncached,
  'content-type': 'text/event-stream; charset=utf-8',
  // Proxies such as nginx would keep events back until they have many.
  'x-accel-buffering': 'no',
}

/**
 * Answers a request for an event stream: `?channel=room/1&channel=room/2&from=epoch.offset&presence={…}`. One `from` is for all
 * channels; of several each belongs to the channel at its place, and an empty one is none. A client that comes back says the id of the
 * last event that it has seen in `Last-Event-ID`, as `EventSource` does by itself, which goes before `from`.
 *
 * The answers to the subscribes are events; their `id` is the place of the channel in the query, from 0.
 */
export function openEventStream(request: Request, client: Client, host: StreamHost): Response {
  const { searchParams } = new URL(request.url)
  const channels = searchParams.getAll('channel')
  if (channels.length === 0) return answerError(400, 'malformed', 'Expected ?channel=… in the address')
  const presence = readPresence(searchParams.get('presence'))
  if (presence === malformed) return answerError(400, 'malformed', 'Expected JSON in ?presence=…')
  if (host.census.hasTooMany(client) || host.census.isFull)
    return answerError(429, 'limit', 'Too many connections')
  const transport = new EventStreamTransport(() => host.closed(connection, 1000))
  const connection: Connection = host.accept(client, transport)
  request.signal.addEventListener('abort', () => transport.leave(), { once: true })
  const lastEvent = request.headers.get('last-event-id')
  const positions = searchParams.getAll('from')
  const requests = [...new Set(channels)].map((subscribe, id) => {
    const from = lastEvent || positions[positions.length === 1 ? 0 : channels.indexOf(subscribe)]
    return { subscribe, id, ...(from && { from }), ...(presence !== undefined && { presence }) }
  })
  // It may have gone while it was asked who it is.
  if (request.signal.aborted) transport.leave()
  else host.subscriptions.subscribeAll(connection, requests)
  return new Response(transport.body, { headers })
}

const malformed = Symbol('malformed')

function readPresence(text: string | null): unknown {
  if (text === null) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return malformed
  }
}
