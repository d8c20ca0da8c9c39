import { constants, deflateRawSync } from 'node:zlib'

/** Shorter texts get longer, or hardly shorter. */
const threshold = 1_024

/** What `ws` is to agree to: without context takeover each message stands alone, so that its bytes are right for every client. */
export const deflateOptions = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold,
  concurrencyLimit: 4,
} as const

/** Whether a text is compressed for those who have agreed to it. */
export function worthDeflating(text: string): boolean {
  return text.length >= threshold
}

/** Compresses a message as permessage-deflate wants it: without the four bytes of the empty block at its end (RFC 7692, 7.2.1). */
export function deflate(text: string): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

/**
 * Whether a connection has agreed to permessage-deflate in a way in which it can take the shared bytes: a client may have asked for
 * a smaller window than they are made with, and gets its messages uncompressed then, which is always allowed.
 *
 * @param extensions As the WebSocket tells them: what the answer to the handshake said.
 */
export function takesDeflated(extensions: { params?: Record<string, unknown> } | undefined): boolean {
  const bits = extensions?.params?.['server_max_window_bits']
  return extensions !== undefined && (bits === undefined || bits === 15)
}
