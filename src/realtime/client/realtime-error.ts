import type { ProtocolErrorCode } from '../protocol.ts'

/** Why a message was refused or a channel ended: what the server says, or `closed` (from here) and `full` (the queue). */
export type RealtimeErrorCode = ProtocolErrorCode | 'closed' | 'full'

/** The error of a message that was not handled. */
export class RealtimeError extends Error {
  override name = 'RealtimeError'
  readonly code: string

  constructor(code: RealtimeErrorCode | (string & {}), message: string = code) {
    super(message)
    this.code = code
  }
}
