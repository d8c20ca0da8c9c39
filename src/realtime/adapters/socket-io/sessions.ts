import { parse, stringify } from './binary.ts'
import type { Bus } from './bus.ts'
import type { LeftSession, LocalSocket, Room } from './socket-io-types.ts'
import * as sql from './sql.ts'

/** So many are written in one go. */
const atOnce = 256
/** How often it is looked whether `socket.data` has changed, in milliseconds, and at how many sockets. */
const lookInterval = 1_000
const looks = 1_000
/** So long after a write that failed the next one is tried, in milliseconds. */
const pause = 1_000

/** A session as it is kept; its rooms, each with the offset of the messages when it was joined. */
export interface KeptSession {
  readonly sid: string
  readonly pid: string
  readonly rooms: Map<Room, number>
  readonly data: unknown
}

interface Session extends KeptSession {
  data: unknown
  disconnectedAt: number | null
  isOver: boolean
  /** What is written of it. */
  saved: string
  /** Resolves when it is written as it is now. */
  written: PromiseWithResolvers<void> | undefined
}

/** What the sessions of a server need. */
export interface SessionsOptions {
  readonly bus: Bus
  readonly channel: string
  /** The server that has them. */
  readonly server: string
  readonly socketOf: (sid: string) => LocalSocket | undefined
}

/**
 * The sessions of the sockets of one server, kept as rows all the time that they are connected, so that they are there when the process is
 * killed. What changes in one turn is written together, in the background.
 *
 * Rooms are written as they are joined and left. Nobody tells when `socket.data` changes: it is compared once a second, for 1,000 sockets,
 * and once more at the end of a connection.
 */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #sessions = new Map<string, Session>()
  readonly #changed = new Set<Session>()
  #looked: MapIterator<Session> | undefined
  #timer: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  get(sid: string): KeptSession | undefined {
    return this.#sessions.get(sid)
  }

  /** Keeps a session from now on. */
  begin({ sid, pid, rooms, data }: KeptSession, saved = ''): void {
    const session: Session = {
      sid,
      pid,
      rooms,
      data,
      disconnectedAt: null,
      isOver: false,
      saved,
      written: undefined,
    }
    this.#sessions.set(sid, session)
    this.#timer ??= setInterval(() => this.#look(), lookInterval).unref()
    void this.changed(sid)
  }

  /** Something of it may be different. Resolves when it is written, or has failed for the first time. */
  changed(sid: string): Promise<void> | undefined {
    const session = this.#sessions.get(sid)
    return session && this.#change(session)
  }

  /** Its socket has gone and may come back. */
  disconnected({ sid, data }: Pick<LeftSession, 'sid' | 'data'>): void {
    const session = this.#sessions.get(sid)
    if (session === undefined) return
    this.#sessions.delete(sid)
    session.data = data
    session.disconnectedAt = this.#options.bus.clock.now()
    void this.#change(session)
  }

  /** Its socket has gone for good. */
  ended(sid: string): void {
    const session = this.#sessions.get(sid)
    if (session === undefined) return
    this.#sessions.delete(sid)
    session.isOver = true
    void this.#change(session)
  }

  /** Somebody else has it now. */
  forget(sid: string): void {
    const session = this.#sessions.get(sid)
    if (session === undefined) return
    this.#sessions.delete(sid)
    this.#changed.delete(session)
    session.written?.resolve()
  }

  /** All rooms count as joined now; everything is written anew. */
  restart(offset: number): void {
    for (const session of this.#sessions.values()) {
      for (const room of session.rooms.keys()) session.rooms.set(room, offset)
      session.saved = ''
      void this.#change(session)
    }
  }

  /** Resolves when what was changed before is written. */
  async flush(): Promise<void> {
    await Promise.all(
      [...this.#changed].flatMap(({ written }) => (written === undefined ? [] : [written.promise])),
    )
    await this.#writing
  }

  /** Writes what is to be written, and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    await this.flush()
    clearTimeout(this.#retry)
  }

  #change(session: Session): Promise<void> {
    session.written ??= Promise.withResolvers()
    this.#changed.add(session)
    if (this.#writing === undefined && this.#retry === undefined) this.#start()
    return session.written.promise
  }

  #start(): void {
    this.#writing = this.#options.bus
      .enter(() => this.#writeAll())
      .finally(() => {
        this.#writing = undefined
        if (this.#changed.size > 0 && this.#retry === undefined) this.#start()
      })
  }

  async #writeAll(): Promise<void> {
    // What else changes in this turn goes with it.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#changed.size > 0) {
      const sessions = [...this.#changed].slice(0, atOnce)
      for (const session of sessions) this.#changed.delete(session)
      const waiting = sessions.map((session) => session.written)
      for (const session of sessions) session.written = undefined
      try {
        await this.#write(sessions)
      } catch (error) {
        this.#again(sessions, error)
        return
      } finally {
        for (const each of waiting) each?.resolve()
      }
    }
  }

  async #write(sessions: readonly Session[]): Promise<void> {
    const { bus, channel, server } = this.#options
    const due = sessions.flatMap((session) => {
      const row = this.#rowOf(session)
      return session.isOver || `${row.rooms}${row.data}${row.disconnectedAt}` !== session.saved
        ? [{ session, row }]
        : []
    })
    if (due.length === 0) return
    await bus.database.write(
      (tx) => {
        for (const { session, row } of due) {
          if (session.isOver) tx.run(sql.deleteSession, [session.pid, server])
          else tx.run(sql.upsertSession, { pid: session.pid, sid: session.sid, channel, server, ...row })
        }
      },
      { label: 'handcar.socket-io.sessions', durability: 'os' },
    )
    for (const { session, row } of due) session.saved = `${row.rooms}${row.data}${row.disconnectedAt}`
  }

  #rowOf(session: Session): { rooms: string; data: string; disconnectedAt: number | null } {
    const socket = this.#options.socketOf(session.sid)
    if (session.disconnectedAt === null && socket?.pid === session.pid) session.data = socket.data
    const { disconnectedAt } = session
    return { rooms: JSON.stringify([...session.rooms]), data: this.#dataOf(session), disconnectedAt }
  }

  /** What cannot be written cannot be recovered: the session is none. */
  #dataOf(session: Session): string {
    try {
      return stringify(session.data ?? null)
    } catch (error) {
      if (!session.isOver)
        this.#options.bus.failed('a socket has data that is not JSON, and cannot be recovered', error)
      session.isOver = true
      return ''
    }
  }

  #again(sessions: readonly Session[], error: unknown): void {
    this.#options.bus.failed('sessions could not be written, and are tried again', error)
    for (const session of sessions) this.#changed.add(session)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#start()
    }, pause).unref()
  }

  #look(): void {
    for (let count = 0; count < looks; count++) {
      this.#looked ??= this.#sessions.values()
      const { value: session, done } = this.#looked.next()
      if (done === true) {
        this.#looked = undefined
        return
      }
      const { rooms, data, disconnectedAt } = this.#rowOf(session)
      if (`${rooms}${data}${disconnectedAt}` !== session.saved) void this.#change(session)
    }
  }
}

/** The rooms and the data of a row. */
export function readSession(row: { rooms: string; data: string }): Pick<KeptSession, 'rooms' | 'data'> {
  return { rooms: new Map(JSON.parse(row.rooms) as [Room, number][]), data: parse(row.data) }
}
