import { WebSocket } from 'ws'
import type { Connection } from '../connections/connection.ts'
import { closeCodes } from '../protocol.ts'

/** What `ws` closes with by itself, and what is said instead. */
const translated: Record<number, { code: number; error: string; message: string }> = {
  1002: { code: closeCodes.protocol, error: 'malformed', message: 'This is no WebSocket frame' },
  1007: { code: closeCodes.protocol, error: 'malformed', message: 'This is no UTF-8' },
  1009: { code: closeCodes.tooLarge, error: 'too-large', message: 'The message is too large' },
}

/** A WebSocket that tells its client in the words of the protocol what was wrong, before it is closed for that. */
export class ServerWebSocket extends WebSocket {
  /** Whose it is; here, so that its listeners can be the same functions for all. */
  connection: Connection | undefined

  override close(code?: number, reason?: string | Buffer): void {
    const known = code === undefined ? undefined : translated[code]
    // A close that answers the client's own says what that said.
    if (known === undefined || this.readyState !== WebSocket.OPEN) return super.close(code, reason)
    this.send(JSON.stringify({ error: { code: known.error, message: known.message } }), { compress: false })
    super.close(known.code, known.message)
  }
}
