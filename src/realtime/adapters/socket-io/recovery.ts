import { parsePosition } from '../../protocol.ts'
import type { Bus } from './bus.ts'
import { encode } from './message.ts'
import { readSession, type KeptSession } from './session-writer.ts'
import { Sessions } from './sessions.ts'
import type { LeftSession, LocalSocket, Namespace, RestoredSession, Room } from './socket-io-types.ts'
import * as sql from './sql.ts'
import type { StoredEvents } from './stored-events.ts'

/** So many messages are looked at before others have their turn. */
const atOnce = 500
/** How often sessions are deleted that have expired, in milliseconds, and how many at once. */
const pruneInterval = 60_000
const prunedAtOnce = 500
/** The protocol's number of an event. */
const event = 2

/** What the recovery of a server's clients needs. */
export interface RecoveryOptions {
  readonly bus: Bus
  readonly channel: string
  readonly server: string
  readonly namespace: Namespace
  readonly events: StoredEvents
  /** The offset up to which this server has delivered. */
  readonly delivered: () => number
  /** Resolves when it is at least this one. */
  readonly reached: (offset: number) => Promise<void>
  /** The rooms that a socket is in. */
  readonly roomsOf: (sid: string) => Iterable<Room>
}

interface Restoring extends KeptSession {
  /** The arguments of the events that were missed up to this offset. */
  readonly missed: readonly unknown[][]
  readonly upTo: number
}

interface SessionRow {
  sid: string
  server: string
  rooms: string
  data: string
  disconnectedAt: number | null
}

/**
 * Connection state recovery: a client that comes back with the position of the last event that it has got finds its id, its rooms, its data
 * and every event in between, also when the server that it was connected with was killed.
 *
 * - The events are in the log, delivered in the order of their offsets by every server, so that the last one stands for all before it. When
 *   something of them is gone the session is not recovered; never in part.
 * - An event goes only to who was in one of its rooms when it was sent: a room counts from the offset at which it was joined.
 * - A session is taken with a transaction: one server alone has it. When another one believes that it has the socket still, it reads in the log
 *   that it has moved, and lets it go.
 * - What was missed is sent right after the client is told that it is connected, with what came meanwhile, while middleware ran. socket.io
 *   would send it before: a client keeps that when the connection fails in between, and has it twice after the next one.
 */
export class Recovery {
  readonly #options: RecoveryOptions
  readonly #sessions: Sessions
  readonly #restoring = new Map<string, Restoring>()
  readonly #timer: NodeJS.Timeout

  constructor(options: RecoveryOptions) {
    this.#options = options
    const { bus, channel, server, namespace } = options
    this.#sessions = new Sessions({ bus, channel, server, socketOf: (sid) => namespace.sockets.get(sid) })
    this.#timer = setInterval(() => void this.prune(), pruneInterval).unref()
  }

  /** A socket has joined rooms. Resolves when that is kept. */
  joined(sid: string, rooms: Iterable<Room>): Promise<void> | undefined {
    const session = this.#sessions.get(sid) ?? this.#begin(sid)
    if (session === undefined) return undefined
    let isNew = false
    for (const room of rooms) {
      if (session.rooms.has(room)) continue
      session.rooms.set(room, this.#options.delivered())
      isNew = true
    }
    return isNew ? this.#sessions.changed(sid) : undefined
  }

  /** A socket has left a room. */
  left(sid: string, room: Room): Promise<void> | undefined {
    return this.#sessions.get(sid)?.rooms.delete(room) === true ? this.#sessions.changed(sid) : undefined
  }

  /** A socket has gone and may come back. */
  disconnected(session: LeftSession): void {
    this.#sessions.disconnected(session)
  }

  /** A socket has left all rooms, which is its end. */
  ended(sid: string): void {
    const restoring = this.#restoring.get(sid)
    if (restoring !== undefined && this.#sessions.get(sid) === undefined) {
      // It has not come to be connected: it may try again.
      this.#restoring.delete(sid)
      this.#sessions.begin(restoring)
      this.#sessions.disconnected(restoring)
    }
    this.#sessions.ended(sid)
  }

  /** A client is connected elsewhere. */
  moved(sid: string, pid: string): void {
    if (this.#sessions.get(sid)?.pid !== pid) return
    this.#sessions.forget(sid)
    this.#options.namespace.sockets.get(sid)?.disconnect()
  }

  /**
   * Gives a client back what it had and has missed; `undefined` when that is not possible completely.
   *
   * @param pid The secret of the session.
   * @param position That of the last event which the client has got.
   */
  async restore(pid: string, position: string): Promise<RestoredSession | undefined> {
    const { bus, channel, delivered, reached, events } = this.#options
    const from = parsePosition(position)
    if (from === undefined || bus.log.checkResume(channel, from) === 'gap') return undefined
    await Promise.all([reached(from.offset), this.#sessions.flush()])
    const row = await this.#take(pid)
    if (row === undefined) return undefined
    const { sid } = row
    this.moved(sid, pid)
    const { rooms, data } = readSession(row)
    const missed: unknown[][] = []
    let upTo = Math.max(from.offset, rooms.get(sid) ?? 0)
    for (;;) {
      const messages = bus.feed.after(channel, upTo, atOnce)
      missed.push(...events.select(messages, rooms, delivered()))
      if (messages.length < atOnce) break
      upTo = messages.at(-1)!.offset
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (bus.log.checkResume(channel, from) === 'gap') return undefined
    this.#restoring.set(sid, { sid, pid, rooms, data, missed, upTo: delivered() })
    return { sid, pid, rooms: [...rooms.keys()], data, missedPackets: [] }
  }

  /** Everything has another offset. */
  restart(offset: number): void {
    this.#sessions.restart(offset)
  }

  /** Deletes the sessions of clients that have stayed away too long. */
  async prune(): Promise<void> {
    const { bus, channel } = this.#options
    const until = bus.clock.now() - this.#longest
    try {
      while (bus.database.get(sql.selectExpired, [channel, until]) !== undefined)
        await bus.database.run(sql.deleteExpired, [channel, until, prunedAtOnce], {
          label: 'handcar.socket-io.prune',
          durability: 'os',
        })
    } catch (error) {
      bus.failed('old sessions could not be deleted', error)
    }
  }

  /** Writes what there is to write, and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sessions.close()
  }

  get #longest(): number {
    return this.#options.namespace.server.opts.connectionStateRecovery!.maxDisconnectionDuration
  }

  #take(pid: string): Promise<SessionRow | undefined> {
    const { bus, channel, server } = this.#options
    const label = { label: 'handcar.socket-io.restore' }
    return bus.enter(() =>
      bus.database.write((tx) => {
        const row = tx.get<SessionRow>(sql.selectSession, [pid, channel])
        if (row === undefined || (row.disconnectedAt ?? Infinity) + this.#longest < bus.clock.now())
          return undefined
        tx.run(sql.takeSession, [server, pid])
        if (row.server !== server && row.disconnectedAt === null)
          void bus.log.publish(channel, 'moved', encode({ kind: 'moved', from: server, sid: row.sid, pid }))
        return row
      }, label),
    )
  }

  /** A socket is connected. */
  #begin(sid: string): KeptSession | undefined {
    const { namespace, roomsOf, delivered, bus, channel, events } = this.#options
    const socket = namespace.sockets.get(sid)
    if (socket?.pid === undefined) return undefined
    const restored = this.#restoring.get(sid)
    const rooms = new Map(restored?.rooms)
    for (const room of roomsOf(sid)) if (!rooms.has(room)) rooms.set(room, delivered())
    const session = { sid, pid: socket.pid, rooms, data: socket.data }
    this.#sessions.begin(session)
    if (restored === undefined) return session
    this.#restoring.delete(sid)
    const since = bus.feed.after(channel, restored.upTo, Number.MAX_SAFE_INTEGER)
    const missed = [...restored.missed, ...events.select(since, rooms, delivered())]
    afterNextPacket(socket, () => {
      for (const data of missed) socket.packet({ type: event, data })
    })
    return session
  }
}

/** The next packet of a socket that is being connected tells its client so. */
function afterNextPacket(socket: LocalSocket, work: () => void): void {
  socket.packet = (...given) => {
    // What is behind it is the method of its class.
    Reflect.deleteProperty(socket, 'packet')
    socket.packet(...given)
    work()
  }
}
