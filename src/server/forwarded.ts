import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection } from './connections.ts'
import type { Exchange } from './exchange.ts'
import { isSaneRequestId, type RequestIds } from './request-id.ts'
import type { TrustedProxies } from './trusted-proxies.ts'

/** What a request is called, and who its client is. */
interface Identified {
  requestId: string
  clientAddress: string
}

/** Names a request and finds its client; what a trusted proxy says about them is believed. */
export function identify(
  exchange: Exchange,
  connection: Connection,
  ids: RequestIds,
  proxies: TrustedProxies,
): void {
  note(exchange, exchange.req, connection, ids, proxies)
}

/** The same for a request that leaves HTTP. */
export function identifyUpgrade(
  request: IncomingMessage,
  connection: Connection,
  ids: RequestIds,
  proxies: TrustedProxies,
): Identified {
  const identified = { requestId: '', clientAddress: '' }
  note(identified, request, connection, ids, proxies)
  return identified
}

function note(
  identified: Identified,
  { headers }: IncomingMessage,
  connection: Connection,
  ids: RequestIds,
  proxies: TrustedProxies,
): void {
  identified.clientAddress = connection.address
  if (!connection.isTrusted) {
    identified.requestId = ids.next()
    return
  }
  const id = headers['x-request-id']
  identified.requestId = isSaneRequestId(id) ? id : ids.next()
  const addresses = headers['x-forwarded-for']
  if (typeof addresses === 'string')
    identified.clientAddress = proxies.clientOf(connection.address, addresses)
  const scheme = headers['x-forwarded-proto']
  if (typeof scheme === 'string') markEncrypted(connection.socket, firstOf(scheme) === 'https')
  const host = headers['x-forwarded-host']
  if (typeof host === 'string' && host !== '') headers.host = firstOf(host)
}

/** The adapter takes the scheme of `request.url` from here: between the client and the proxy there is TLS. */
function markEncrypted(socket: Socket & { encrypted?: boolean }, isEncrypted: boolean): void {
  socket.encrypted = isEncrypted
}

/** What the proxy nearest to the client said, when there is a row of them. */
function firstOf(list: string): string {
  return list.split(',', 1)[0]!.trim()
}
