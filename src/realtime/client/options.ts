/** Options of `connect`. */
export interface ConnectOptions {
  /**
   * `'websocket'`, `'sse'` (an event stream, and POST for what is sent), or `'auto'`: a WebSocket, and an event stream where none
   * comes about. Default: `'auto'`.
   */
  transport?: 'websocket' | 'sse' | 'auto'
  /**
   * A token that goes with each connection as the query parameter `token`, for servers that do not know their user by a cookie. A
   * function is asked anew at each connect. URLs end up in logs: let it live for a minute.
   */
  token?: string | (() => string | Promise<string>)
  /** Headers of every request. Browsers send none with a WebSocket: for Node, or for `'sse'`. */
  headers?: Record<string, string>
  /** After how many milliseconds without a connection the attempt is given up. Default: 10,000. */
  connectTimeout?: number
  /** How many messages may wait for their answer; `send` of one more fails. Default: 1,000. */
  maxQueue?: number
}

/** Whether there is a connection; `closed` is for ever. */
export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'closed'
