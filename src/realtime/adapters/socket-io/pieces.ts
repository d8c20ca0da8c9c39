import type { SocketDetails } from './socket-io-types.ts'

/** So much goes together, in characters of JSON. */
const most = 32_768

/** The description of sockets in pieces that are short enough to be sent; at least one. */
export function piecesOf(sockets: readonly SocketDetails[]): SocketDetails[][] {
  const pieces: SocketDetails[][] = [[]]
  let size = 0
  for (const socket of sockets) {
    const described = describe(socket)
    const length = JSON.stringify(described).length
    if (size > 0 && size + length > most) {
      pieces.push([])
      size = 0
    }
    pieces.at(-1)!.push(described)
    size += length
  }
  return pieces
}

/** What another server may know of a socket. A store of sessions hangs on some handshakes and is no data. */
function describe({ id, handshake, rooms, data }: SocketDetails): SocketDetails {
  const { sessionStore: _, ...plain } = handshake as { sessionStore?: unknown }
  return { id, handshake: plain, rooms: [...rooms], data }
}
