import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Refuses a handshake as HTTP. Nobody else listens to the connection any more, so what becomes of it is of no interest.
 *
 * @param text Tells people why.
 */
export function refuseUpgrade(socket: Duplex, status: number, text: string): void {
  const body = `${text}\n`
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: text/plain\r\n`
  socket.on('error', () => {})
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
