import type { Socket } from 'node:net'
import type { Connection } from './connections.ts'
import type { Exchange } from './exchange.ts'
import { isSaneRequestId, type RequestIds } from './request-id.ts'
import type { TrustedProxies } from './trusted-proxies.ts'

/** Names a request and finds its client; what a trusted proxy says about them is believed. */
export function identify(
  exchange: Exchange,
  connection: Connection,
  ids: RequestIds,
  proxies: TrustedProxies,
): void {
  exchange.clientAddress = connection.address
  if (!connection.isTrusted) {
    exchange.requestId = ids.next()
    return
  }
  const { headers } = exchange.req
  const id = headers['x-request-id']
  exchange.requestId = isSaneRequestId(id) ? id : ids.next()
  const addresses = headers['x-forwarded-for']
  if (typeof addresses === 'string') exchange.clientAddress = proxies.clientOf(connection.address, addresses)
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
