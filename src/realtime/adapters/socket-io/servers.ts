import { ProcessSeat, type Database } from '../../../database/index.ts'
import * as sql from './sql.ts'

/** The kind of the files that processes hold locked which have servers of socket.io. */
const seatKind = 'socket-io'

const label = { label: 'handcar.socket-io', durability: 'os' } as const

interface ServerRow {
  id: string
  seat: string
}

/**
 * Which servers there are, in all processes: rows, each of a process that holds a file locked as long as it lives. So everybody knows at
 * any time who will answer, without a heartbeat, and who was killed is out at once.
 */
export class Servers {
  readonly #database: Database
  readonly #now: () => number
  #seat: ProcessSeat | undefined
  #count = 0
  #members = 0
  #hasSettled = false

  constructor(database: Database, now: () => number) {
    this.#database = database
    this.#now = now
  }

  /** A name for a server of this process; it counts once {@link join} has resolved. */
  newId(): string {
    this.#seat ??= ProcessSeat.take(this.#database.path, seatKind)
    this.#members += 1
    return `${this.#seat.name}:${this.#count++}`
  }

  /** A server serves a namespace from now on. Settles what killed processes have left. */
  async join(id: string, channel: string): Promise<void> {
    if (!this.#hasSettled) {
      this.#hasSettled = true
      ProcessSeat.tidy(this.#database.path, seatKind)
      await this.settle()
    }
    await this.#database.run(sql.insertServer, [id, this.#seat!.name, channel], label)
  }

  /** It does not any more. */
  async leave(id: string): Promise<void> {
    try {
      await this.#end([id])
    } finally {
      this.#members -= 1
      if (this.#members === 0) {
        this.#seat?.[Symbol.dispose]()
        this.#seat = undefined
      }
    }
  }

  /** The others that serve a namespace and live. */
  others(channel: string, id: string): string[] {
    const lives = new Map<string, boolean>()
    const rows = this.#database.all<ServerRow>(sql.selectOthers, [channel, id])
    return rows
      .filter(({ seat }) => {
        if (!lives.has(seat)) lives.set(seat, this.#lives(seat))
        return lives.get(seat)!
      })
      .map((row) => row.id)
  }

  /** Ends what belongs to processes that have died: their servers are gone, and their sessions disconnected since now. */
  async settle(): Promise<void> {
    const rows = this.#database.all<ServerRow>(sql.selectServers, [this.#seat?.name ?? ''])
    for (const seat of new Set(rows.map((row) => row.seat))) {
      using heir = ProcessSeat.inherit(this.#database.path, seatKind, seat)
      if (heir === undefined) continue
      const ids = rows.filter((row) => row.seat === seat).map(({ id }) => id)
      await this.#end(ids)
    }
  }

  async #end(ids: readonly string[]): Promise<void> {
    await this.#database.write((tx) => {
      for (const id of ids) {
        tx.run(sql.orphanSessions, [this.#now(), id])
        tx.run(sql.deleteServer, [id])
      }
    }, label)
  }

  #lives(seat: string): boolean {
    return seat === this.#seat?.name || !ProcessSeat.isEmpty(this.#database.path, seatKind, seat)
  }
}
