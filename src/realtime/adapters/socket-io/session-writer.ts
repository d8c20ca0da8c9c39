import { parse, stringify } from './binary.ts'
import type { Bus } from './bus.ts'
import type { LocalSocket, Room } from './socket-io-types.ts'
import * as sql from './sql.ts'

/** So many are written in one go. */
const atOnce = 256
/** So long after a write that failed the next one is tried, in milliseconds. */
const pause = 1_000

/** A session as it is kept; its rooms, each with the offset of the messages when it was joined. */
export interface KeptSession {
  readonly sid: string
  readonly pid: string
  readonly rooms: Map<Room, number>
  readonly data: unknown
}

/** A session as its server knows it. */
export interface Session extends KeptSession {
  data: unknown
  /** `null` while its socket is connected. */
  disconnectedAt: number | null
  /** Nobody can come back to it. */
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

interface Row {
  rooms: string
  data: string
  disconnectedAt: number | null
}

/** Writes the sessions of one server that have changed, in the background: what changes in one turn, together; what fails, again. */
export class SessionWriter {
  readonly #options: SessionsOptions
  readonly #changed = new Set<Session>()
  #retry: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** Writes a session soon. Resolves when it is written, or has failed for the first time. */
  write(session: Session): Promise<void> {
    session.written ??= Promise.withResolvers()
    this.#changed.add(session)
    if (this.#writing === undefined && this.#retry === undefined) this.#start()
    return session.written.promise
  }

  /** Writes a session soon, if it is not written as it is now. */
  writeIfChanged(session: Session): void {
    if (textOf(this.#rowOf(session)) !== session.saved) void this.write(session)
  }

  /** Does not write a session any more. */
  forget(session: Session): void {
    this.#changed.delete(session)
    session.written?.resolve()
  }

  /** Resolves when what was changed before is written, or has failed. */
  async flush(): Promise<void> {
    await Promise.all(
      [...this.#changed].flatMap(({ written }) => (written === undefined ? [] : [written.promise])),
    )
    await this.#writing
  }

  /** Writes what there is to write, and ends. */
  async close(): Promise<void> {
    await this.flush()
    clearTimeout(this.#retry)
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
        await this.#writeRows(sessions)
      } catch (error) {
        this.#again(sessions, error)
        return
      } finally {
        for (const each of waiting) each?.resolve()
      }
    }
  }

  async #writeRows(sessions: readonly Session[]): Promise<void> {
    const { bus, channel, server } = this.#options
    const due = sessions
      .map((session) => ({ session, row: this.#rowOf(session) }))
      .filter(({ session, row }) => session.isOver || textOf(row) !== session.saved)
    if (due.length === 0) return
    await bus.database.write(
      (tx) => {
        for (const { session, row } of due) {
          const { pid, sid } = session
          if (session.isOver) tx.run(sql.deleteSession, [pid, server])
          else tx.run(sql.upsertSession, { pid, sid, channel, server, ...row })
        }
      },
      { label: 'handcar.socket-io.sessions', durability: 'os' },
    )
    for (const { session, row } of due) session.saved = textOf(row)
  }

  #again(sessions: readonly Session[], error: unknown): void {
    this.#options.bus.failed('sessions could not be written, and are tried again', error)
    for (const session of sessions) this.#changed.add(session)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.#start()
    }, pause).unref()
  }

  #rowOf(session: Session): Row {
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
}

/** The rooms and the data of a row. */
export function readSession(row: { rooms: string; data: string }): Pick<KeptSession, 'rooms' | 'data'> {
  return { rooms: new Map(JSON.parse(row.rooms) as [Room, number][]), data: parse(row.data) }
}

function textOf({ rooms, data, disconnectedAt }: Row): string {
  return `${rooms}${data}${disconnectedAt}`
}
