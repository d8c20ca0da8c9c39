import { SessionWriter, type KeptSession, type Session, type SessionsOptions } from './session-writer.ts'
import type { LeftSession } from './socket-io-types.ts'

/** How often it is looked whether `socket.data` has changed, in milliseconds, and at how many sockets. */
const lookInterval = 1_000
const looks = 1_000

/**
 * The sessions of the sockets of one server, kept as rows all the time that they are connected, so that they are there when the process is
 * killed.
 *
 * Rooms are written as they are joined and left. Nobody tells when `socket.data` changes: it is compared once a second, for 1,000 sockets,
 * and once more at the end of a connection.
 */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #writer: SessionWriter
  readonly #sessions = new Map<string, Session>()
  #looked: MapIterator<Session> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: SessionsOptions) {
    this.#options = options
    this.#writer = new SessionWriter(options)
  }

  get(sid: string): KeptSession | undefined {
    return this.#sessions.get(sid)
  }

  /** Keeps a session from now on. */
  begin({ sid, pid, rooms, data }: KeptSession): void {
    this.#sessions.set(sid, {
      sid,
      pid,
      rooms,
      data,
      disconnectedAt: null,
      isOver: false,
      saved: '',
      written: undefined,
    })
    this.#timer ??= setInterval(() => this.#look(), lookInterval).unref()
    void this.changed(sid)
  }

  /** Something of it may be different. Resolves when it is written, or has failed for the first time. */
  changed(sid: string): Promise<void> | undefined {
    const session = this.#sessions.get(sid)
    return session && this.#writer.write(session)
  }

  /** Its socket has gone and may come back. */
  disconnected({ sid, data }: Pick<LeftSession, 'sid' | 'data'>): void {
    const session = this.#take(sid)
    if (session === undefined) return
    session.data = data
    session.disconnectedAt = this.#options.bus.clock.now()
    void this.#writer.write(session)
  }

  /** Its socket has gone for good. */
  ended(sid: string): void {
    const session = this.#take(sid)
    if (session === undefined) return
    session.isOver = true
    void this.#writer.write(session)
  }

  /** Somebody else has it now. */
  forget(sid: string): void {
    const session = this.#take(sid)
    if (session !== undefined) this.#writer.forget(session)
  }

  /** All rooms count as joined now; everything is written anew. */
  restart(offset: number): void {
    for (const session of this.#sessions.values()) {
      for (const room of session.rooms.keys()) session.rooms.set(room, offset)
      session.saved = ''
      void this.#writer.write(session)
    }
  }

  /** Resolves when what was changed before is written, or has failed. */
  flush(): Promise<void> {
    return this.#writer.flush()
  }

  /** Writes what there is to write, and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.#writer.close()
  }

  #take(sid: string): Session | undefined {
    const session = this.#sessions.get(sid)
    this.#sessions.delete(sid)
    return session
  }

  #look(): void {
    for (let count = 0; count < looks; count++) {
      this.#looked ??= this.#sessions.values()
      const { value: session, done } = this.#looked.next()
      if (done === true) {
        this.#looked = undefined
        return
      }
      this.#writer.writeIfChanged(session)
    }
  }
}
