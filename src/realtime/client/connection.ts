import type { ClientMessage, closeCodes, ServerMessage } from '../protocol.ts'
import { comeBack } from './come-back.ts'
import { openEventStream } from './event-stream.ts'
import type { ConnectionState, ConnectOptions } from './options.ts'
import type { Transport, TransportEvent } from './transport.ts'
import { onWake } from './wake.ts'
import { openWebSocket } from './websocket.ts'

/** `lost`: what was sent may not have arrived; the close code, where the server gave one. The last state is `closed`. */
export type ConnectionEvent =
  | ServerMessage
  | { opened: true }
  | { lost: number | undefined }
  | { state: ConnectionState }

/** How long the answer to a ping may take, in milliseconds. */
const pingTimeout = 4000
/** Before the welcome: not logged in, wrong origin, another protocol. */
const refusals: readonly unknown[] = [
  4001 satisfies typeof closeCodes.notAuthenticated,
  4003 satisfies typeof closeCodes.forbiddenOrigin,
  4400 satisfies typeof closeCodes.protocol,
  400,
  401,
  403,
]

/** The connection of a client, whatever carries it at the moment. */
export interface Connection {
  readonly state: ConnectionState
  /** Sends it if there is a transport. */
  transmit(this: void, message: ClientMessage): void
  /** Asks the server for a sign of life, or comes back now. */
  check(this: void): void
  close(this: void): void
}

/**
 * One transport after the other, as long as it is wanted.
 *
 * - A connection counts when the server has welcomed it. What refuses it before would do so again: that is the end. A session that
 *   ends later gets another chance, with a new token.
 * - The server is never silent for longer than its heartbeat. Silence is counted in ticks of a timer and not by a clock: neither a
 *   clock that is set nor a tab that was frozen makes a living connection look dead.
 * - A computer that wakes up, a page that is looked at again, a network that is back: the connection is asked at once whether it
 *   lives, or made at once, instead of at the next tick.
 * - `'auto'`: each second attempt is an event stream; where WebSockets have worked before, only after some failures.
 */
export function openConnection(
  url: URL,
  { transport: kind = 'auto', token, headers, connectTimeout = 10_000 }: ConnectOptions,
  tell: (event: ConnectionEvent) => void,
): Connection {
  const pause = comeBack()
  let state: ConnectionState = 'connecting'
  let transport: Transport | undefined
  // Number of the attempt: what an earlier one still has to say is not heard.
  let turn = 0
  // The server's, in milliseconds, from its welcome on.
  let heartbeat = 0
  let doWebSocketsWork = false
  let ticks: ReturnType<typeof setInterval> | undefined
  let limit = 0
  let quiet = 0

  const connect = async (): Promise<void> => {
    drop()
    const current = turn
    const { attempts } = pause
    const isEventStream =
      kind === 'sse' || (kind === 'auto' && attempts % 2 === 1 && (!doWebSocketsWork || attempts > 4))
    enter('connecting')
    watch(connectTimeout)
    try {
      const target = new URL(url)
      const text = typeof token === 'function' ? await token() : token
      if (text) target.searchParams.set('token', text)
      if (current === turn)
        transport = (isEventStream ? openEventStream : openWebSocket)({ url: target, headers }, (event) => {
          if (current !== turn) return
          if ('welcome' in event && !isEventStream) doWebSocketsWork = true
          receive(event)
        })
    } catch {
      if (current === turn) lose()
    }
  }

  const receive = (event: TransportEvent): void => {
    if ('closed' in event) return lose(event.closed)
    if ('welcome' in event) {
      heartbeat = event.welcome.heartbeat
      enter('open')
    } else if ('bye' in event) pause.bye(event.bye.in)
    if (heartbeat) watch(heartbeat)
    tell(event)
  }

  const lose = (code?: number): void => {
    const isRefused = !heartbeat && refusals.includes(code)
    drop()
    tell({ lost: code })
    if (isRefused) return close()
    wait = setTimeout(() => void connect(), pause.next())
    enter('waiting')
  }

  /** Ends the attempt, the connection or the wait. */
  const drop = (): void => {
    turn++
    clearTimeout(wait)
    clearInterval(ticks)
    limit = heartbeat = 0
    transport?.close()
    transport = undefined
  }

  /** Gives the connection up when nothing has come for somewhat longer than that many milliseconds. */
  const watch = (milliseconds: number): void => {
    quiet = 0
    if (milliseconds === limit) return
    limit = milliseconds
    clearInterval(ticks)
    ticks = setInterval(() => {
      if (++quiet > 5) lose()
      // It has lasted: the next failure is the first.
      else if (heartbeat) pause.attempts = 0
    }, limit / 4)
  }

  const enter = (now: ConnectionState): void => {
    if (now === state) return
    state = now
    tell({ state })
  }

  const transmit = (message: ClientMessage): void => transport?.send(message)

  const check = (): void => {
    if (heartbeat) {
      watch(pingTimeout)
      transmit({ ping: 1 })
    } else if (state === 'waiting') void connect()
  }

  const close = (): void => {
    drop()
    asleep()
    enter('closed')
  }

  const asleep = onWake(check)
  // Later, so that whoever made it has time to listen and to subscribe.
  let wait = setTimeout(() => void connect())
  return {
    get state() {
      return state
    },
    transmit,
    check,
    close,
  }
}
