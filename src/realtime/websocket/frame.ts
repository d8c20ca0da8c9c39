/** A frame without payload that asks the other side for a pong (RFC 6455, 5.5.2). */
export const pingFrame: Buffer = Buffer.of(0x89, 0x00)

/** FIN and opcode 1: a whole text message (RFC 6455, 5.2). */
const text = 0x81
/** RSV1: the payload is compressed with permessage-deflate (RFC 7692, 6). */
const compressed = 0x40

/**
 * Frames a whole text message of a server, which is not masked: the bytes are the same for each client (RFC 6455, 5.1 and 5.2). Done
 * here rather than by `ws`, which gives header and payload as two buffers, and so two writes for each socket.
 */
export function frameText(payload: Buffer, isCompressed = false): Buffer {
  const { length } = payload
  const start = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.allocUnsafe(start + length)
  frame[0] = isCompressed ? text | compressed : text
  if (start === 2) frame[1] = length
  else if (start === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  payload.copy(frame, start)
  return frame
}
