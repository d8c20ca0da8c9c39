import type { ServerMessage, subprotocol } from '../protocol.ts'
import type { OpenTransport } from './transport.ts'

const protocol: typeof subprotocol = 'handcar.v1'

/**
 * The WebSocket of browsers and of Node. Only Node's takes headers: a browser's has those of the page, its cookies among them.
 * A server that does not answer with the subprotocol is refused by both, so each message is one of ours.
 */
export const openWebSocket: OpenTransport = ({ url, headers }, tell) => {
  const address = url.href.replace('http', 'ws')
  const socket = new WebSocket(address, headers ? { protocols: protocol, headers } : protocol)
  socket.addEventListener('open', () => tell({ opened: true }))
  socket.addEventListener('message', ({ data }) => tell(JSON.parse(data as string) as ServerMessage))
  // Comes after each error too.
  socket.addEventListener('close', ({ code }) => tell({ closed: code }))
  return {
    send: (message) => socket.send(JSON.stringify(message)),
    close: () => socket.close(),
  }
}
