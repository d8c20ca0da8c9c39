import { WebSocket } from 'ws'

/** The static `Sender.frame` of `ws`, which its types do not mention: documented in its source as public. */
interface Sender {
  frame(data: Buffer, options: FrameOptions): Buffer[]
}

interface FrameOptions {
  fin: boolean
  opcode: number
  mask: boolean
  readOnly: boolean
  rsv1: boolean
}

const { Sender } = WebSocket as unknown as { Sender: Sender }

/** A frame without payload that asks the other side for a pong (RFC 6455, 5.5.2). */
export const pingFrame: Buffer = Buffer.of(0x89, 0x00)

/**
 * Frames a whole text message of a server, which is not masked: the bytes are the same for each client (RFC 6455, 5.1).
 *
 * @param isDeflated The payload is compressed with permessage-deflate (RFC 7692), which the bit RSV1 says.
 */
export function frameText(payload: Buffer, isDeflated = false): Buffer {
  const parts = Sender.frame(payload, { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: isDeflated })
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}
