import type { ClientMessage, closeCodes, ServerMessage } from '../protocol.ts'
import { ComeBack } from './come-back.ts'
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
  4001, 4003, 4400,
] satisfies (typeof closeCodes)[keyof typeof closeCodes][]

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
export class Connection {
  state: ConnectionState = 'connecting'
  readonly #url: URL
  readonly #options: ConnectOptions
  readonly #tell: (event: ConnectionEvent) => void
  readonly #comeBack = new ComeBack()
  readonly #asleep: () => void
  #transport: Transport | undefined
  /** Number of the attempt: what an earlier one still has to say is not heard. */
  #turn = 0
  /** The server's, in milliseconds, from its welcome on. */
  #heartbeat = 0
  #webSocketsWork = false
  #ticks: ReturnType<typeof setInterval> | undefined
  #limit = 0
  #quiet = 0
  #wait: ReturnType<typeof setTimeout> | undefined

  constructor(url: URL, options: ConnectOptions, tell: (event: ConnectionEvent) => void) {
    this.#url = url
    this.#options = options
    this.#tell = tell
    this.#asleep = onWake(() => this.check())
    // Later, so that whoever made it has time to listen and to subscribe.
    this.#wait = setTimeout(() => void this.#connect())
  }

  /** Sends it if there is a connection. */
  transmit(message: ClientMessage): void {
    this.#transport?.send(message)
  }

  /** Asks the server for a sign of life, or comes back now. */
  check(): void {
    if (this.#heartbeat) {
      this.#watch(pingTimeout)
      this.transmit({ ping: 1 })
    } else if (this.state === 'waiting') void this.#connect()
  }

  close(): void {
    this.#drop()
    this.#asleep()
    this.#enter('closed')
  }

  async #connect(): Promise<void> {
    this.#drop()
    const turn = this.#turn
    const { transport = 'auto', token, headers, connectTimeout = 10_000 } = this.#options
    const { attempts } = this.#comeBack
    const isEventStream =
      transport === 'sse' ||
      (transport === 'auto' && attempts % 2 === 1 && (!this.#webSocketsWork || attempts > 4))
    this.#enter('connecting')
    this.#watch(connectTimeout)
    const url = new URL(this.#url)
    try {
      const text = typeof token === 'function' ? await token() : token
      if (turn !== this.#turn) return
      if (text) url.searchParams.set('token', text)
      this.#transport = (isEventStream ? openEventStream : openWebSocket)({ url, headers }, (event) => {
        if (turn !== this.#turn) return
        if ('welcome' in event && !isEventStream) this.#webSocketsWork = true
        this.#received(event)
      })
    } catch {
      if (turn === this.#turn) this.#lost()
    }
  }

  #received(event: TransportEvent): void {
    if ('closed' in event) return this.#lost(event.closed)
    if ('welcome' in event) {
      this.#heartbeat = event.welcome.heartbeat
      this.#enter('open')
    } else if ('bye' in event) this.#comeBack.bye(event.bye.in)
    if (this.#heartbeat) this.#watch(this.#heartbeat)
    this.#tell(event)
  }

  #lost(code?: number): void {
    const isRefused = !this.#heartbeat && refusals.includes(code)
    this.#drop()
    this.#tell({ lost: code })
    if (isRefused) return this.close()
    this.#wait = setTimeout(() => void this.#connect(), this.#comeBack.closed())
    this.#enter('waiting')
  }

  /** Ends the attempt, the connection or the wait. */
  #drop(): void {
    this.#turn++
    clearTimeout(this.#wait)
    clearInterval(this.#ticks)
    this.#limit = this.#heartbeat = 0
    this.#transport?.close()
    this.#transport = undefined
  }

  /** Gives the connection up when nothing has come for somewhat longer than `limit` milliseconds. */
  #watch(limit: number): void {
    this.#quiet = 0
    if (limit === this.#limit) return
    this.#limit = limit
    clearInterval(this.#ticks)
    this.#ticks = setInterval(() => {
      if (++this.#quiet > 5) this.#lost()
      // It has lasted: the next failure is the first.
      else if (this.#heartbeat) this.#comeBack.attempts = 0
    }, limit / 4)
  }

  #enter(state: ConnectionState): void {
    if (state === this.state) return
    this.state = state
    this.#tell({ state })
  }
}
