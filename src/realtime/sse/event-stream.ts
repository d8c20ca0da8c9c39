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
 * Answers a request for an event stream: `?channel=room/1&channel=room/2&from=epoch.offset&presence={…}`. A client that comes back says
 * the id of the last event that it has seen in `Last-Event-ID`, as `EventSource` does by itself, which goes before `from`.
 *
 * The answers to the subscribes are events; their `id` is the place of the channel in the query, from 0.
 */
export function openEventStream(request: Request, client: Client, host: StreamHost): Response {
  const { searchParams } = new URL(request.url)
  const channels = new Set(searchParams.getAll('channel'))
  if (channels.size === 0) return answerError(400, 'malformed', 'Expected ?channel=… in the address')
  const presence = readPresence(searchParams.get('presence'))
  if (presence === malformed) return answerError(400, 'malformed', 'Expected JSON in ?presence=…')
  if (host.census.hasTooMany(client) || host.census.isFull)
    return answerError(429, 'limit', 'Too many connections')
  const transport = new EventStreamTransport(() => host.closed(connection, 1000))
  const connection: Connection = host.accept(client, transport)
  const from = request.headers.get('last-event-id') || searchParams.get('from') || undefined
  request.signal.addEventListener('abort', () => transport.leave(), { once: true })
  const requests = [...channels].map((subscribe, id) => ({
    subscribe,
    id,
    ...(from !== undefined && { from }),
    ...(presence !== undefined && { presence }),
  }))
  host.subscriptions.subscribeAll(connection, requests)
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
