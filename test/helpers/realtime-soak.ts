import { Database } from '../../src/database/index.ts'
import { Realtime, type RealtimeOptions, type RealtimeStats } from '../../src/realtime/index.ts'
import { Child } from './child.ts'
import { freePort } from './free-port.ts'
import type { SoakClientsOrder, SoakReport } from './realtime-soak-clients-process.ts'
import type { SoakWebOrder } from './realtime-soak-web-process.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { waitUntil } from './wait-until.ts'

/** Statistics of a web process. */
export type SoakStats = RealtimeStats & { rss: number; cpu: NodeJS.CpuUsage }

/** A child that answers each order with a result or an error. */
class Worker<Order extends object> implements AsyncDisposable {
  readonly child: Child

  protected constructor(child: Child) {
    this.child = child
  }

  async ask<Answer>(order: Order): Promise<Answer> {
    return resultOf<Answer>(await this.child.ask<{ answer?: Answer; error?: string }>(order))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.kill()
  }
}

function resultOf<Answer>({ answer, error }: { answer?: Answer; error?: string }): Answer {
  if (error !== undefined) throw new Error(error)
  return answer as Answer
}

/** A web process of the soak. */
export class SoakWeb extends Worker<SoakWebOrder> {
  static async start(path: string, port: number, options: Partial<RealtimeOptions> = {}): Promise<SoakWeb> {
    const web = new SoakWeb(Child.start('realtime-soak-web-process', { path, port, options }))
    resultOf(await web.child.next<{ answer: number }>())
    return web
  }

  stats(): Promise<SoakStats> {
    return this.ask({ type: 'stats' })
  }

  /** As a reload does; resolves when the process has ended. */
  async drain(): Promise<void> {
    this.ask({ type: 'drain' }).catch(() => {})
    await this.child.ended()
  }
}

/** Clients of the soak, with their checker. */
export class SoakClients extends Worker<SoakClientsOrder> {
  static async start(data: object): Promise<SoakClients> {
    const clients = new SoakClients(Child.start('realtime-soak-clients-process', data))
    resultOf(await clients.child.next<{ answer: string }>())
    return clients
  }

  /** Waits until everything has arrived, and compares it with what was written. */
  check(timeout = 60_000): Promise<SoakReport> {
    return this.ask({ type: 'check', timeout })
  }
}

/** A database, a port that several processes listen to, and what of them is alive. */
export class Soak implements AsyncDisposable {
  readonly #folder = temporaryFolder()
  readonly path = this.#folder.file('app.sqlite3')
  readonly webs: SoakWeb[] = []
  readonly clients: SoakClients[] = []
  readonly database: Database
  readonly port: number
  readonly #options: Partial<RealtimeOptions>

  private constructor(port: number, options: Partial<RealtimeOptions>) {
    this.port = port
    this.#options = options
    this.database = new Database({
      path: this.path,
      durability: 'os',
      readers: false,
      partMigrations: { realtime: Realtime.migrations },
    })
  }

  static async start(webs: number, options: Partial<RealtimeOptions> = {}): Promise<Soak> {
    const soak = new Soak(await freePort(), options)
    await soak.database.start()
    await soak.database.run('create table truth (offset integer primary key, room integer not null) strict')
    await soak.database.run('create table box (client text not null, number integer not null) strict')
    for (let count = 0; count < webs; count++) await soak.addWeb()
    return soak
  }

  async addWeb(): Promise<SoakWeb> {
    const web = await SoakWeb.start(this.path, this.port, this.#options)
    this.webs.push(web)
    return web
  }

  /** A process that nobody connects to, as it listens elsewhere. */
  async addPublisher(): Promise<SoakWeb> {
    const web = await SoakWeb.start(this.path, 0, this.#options)
    this.webs.push(web)
    return web
  }

  /** Takes a process out of the list; ending it is up to the caller. */
  takeWeb(web: SoakWeb): SoakWeb {
    this.webs.splice(this.webs.indexOf(web), 1)
    return web
  }

  /** So many clients, in processes of their own, that listen from now on. */
  async connect(
    count: number,
    {
      rooms,
      each,
      streams = 5,
      processes = 1,
    }: { rooms: number; each: number; streams?: number; processes?: number },
  ): Promise<void> {
    const from = this.position()
    const url = `http://127.0.0.1:${this.port}/realtime`
    const start = (name: number): Promise<SoakClients> =>
      SoakClients.start({
        url,
        path: this.path,
        name: `client-${name}`,
        count: count / processes,
        rooms,
        each,
        from,
        streams,
      })
    this.clients.push(...(await Promise.all(Array.from({ length: processes }, (_, name) => start(name)))))
    for (const clients of this.clients) await clients.ask({ type: 'untilOpen', timeout: 120_000 })
  }

  position(): string {
    const { epoch, offset } = this.database.get<{ epoch: string; offset: number }>(
      `select epoch, coalesce((select max(offset) from handcar_messages), 0) as offset from handcar_realtime_state`,
    )!
    return `${epoch}.${offset}`
  }

  /** How many presences there are of a process. */
  presencesOf(pid: number): number {
    return this.database.get<{ count: number }>(
      `select count(*) as count from handcar_presences
      where left_at is null and process = (select id from handcar_realtime_processes where name like '%:' || ?)`,
      [String(pid)],
    )!.count
  }

  /** How long until nobody is present of a process, in milliseconds. */
  async untilGone(pid: number, timeout: number): Promise<number> {
    const startedAt = performance.now()
    await waitUntil(`nobody of ${pid} is present`, () => this.presencesOf(pid) === 0, timeout)
    return performance.now() - startedAt
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [...this.clients, ...this.webs]) await each[Symbol.asyncDispose]()
    await this.database.stop()
    this.#folder[Symbol.dispose]()
  }
}
