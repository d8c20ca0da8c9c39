import assert from 'node:assert/strict'
import { test } from 'node:test'
import { io as connect, type Socket } from 'socket.io-client'
import { decode } from '../../src/realtime/adapters/socket-io/message.ts'
import { Child } from '../helpers/child.ts'
import type { SocketIoOrder } from '../helpers/socket-io-process.ts'
import { endClient } from '../helpers/socket-io.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** Servers of socket.io in real processes, which are killed. */
class Processes implements AsyncDisposable {
  readonly #folder = temporaryFolder()
  readonly path = this.#folder.file('app.sqlite3')
  readonly children: Child[] = []
  readonly urls: string[] = []
  readonly clients: Socket[] = []
  readonly #data: object

  private constructor(data: object) {
    this.#data = { path: this.path, ...data }
  }

  static async start(count: number, data: object = {}): Promise<Processes> {
    const processes = new Processes(data)
    // The first one makes the tables.
    for (let index = 0; index < count; index++) await processes.add()
    await processes.untilMet()
    return processes
  }

  async add(): Promise<number> {
    const child = Child.start('socket-io-process', this.#data)
    this.children.push(child)
    this.urls.push(await child.next<string>())
    return this.children.length - 1
  }

  ask<Answer>(index: number, order: SocketIoOrder): Promise<Answer> {
    return this.children[index]!.ask<Answer>(order)
  }

  async untilMet(living: readonly number[] = this.children.map((_, index) => index)): Promise<void> {
    const expected = [living.length, living.length - 1].join()
    await waitUntil(
      'the servers meet',
      async () => {
        const counts = await Promise.all(living.map((index) => this.ask<number[]>(index, { type: 'count' })))
        return counts.every((count) => count.join() === expected)
      },
      30_000,
    )
  }

  async client(index: number): Promise<Socket> {
    const client = connect(this.urls[index], {
      transports: ['websocket'],
      reconnectionDelay: 10,
      reconnectionDelayMax: 100,
      forceNew: true,
    })
    this.clients.push(client)
    // With the first event it has a position to come back with.
    await new Promise((resolve) => client.once('hello', resolve))
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) endClient(client)
    for (const child of this.children) await child.kill()
    this.#folder[Symbol.dispose]()
  }
}

const moved = (client: Socket, url: string): void => void Object.assign(client.io, { uri: url })
const recovery = { maxDisconnectionDuration: 120_000 }

for (const [way, data] of [
  ['through the relay', {}],
  ['with recovery', { recovery }],
] as const) {
  test(`three processes are one server ${way}`, { timeout: 120_000 }, async () => {
    await using processes = await Processes.start(3, data)
    const clients = [await processes.client(0), await processes.client(1), await processes.client(2)]
    const ids = clients.map(({ id }) => id!)
    const heard: string[] = []
    for (const [index, client] of clients.entries()) {
      client.on('test', (name: string) => heard.push(`${index} ${name}`))
      client.on('question', (answer: (value: number) => void) => answer(index))
    }
    await processes.ask(0, { type: 'join', socket: ids[2]!, room: 'room' })
    await processes.ask(0, { type: 'emit', event: 'test', args: ['to a room'], room: 'room' })
    await processes.ask(0, { type: 'emit', event: 'test', args: ['to the others'], except: 'room' })
    await processes.ask(0, { type: 'emit', event: 'test', args: ['to all'] })
    await waitUntil('all is heard', () => heard.length === 6)
    const expected = ['0 to all', '0 to the others', '1 to all', '1 to the others', '2 to a room', '2 to all']
    assert.deepEqual(heard.sort(), expected)
    const answers = await processes.ask<number[]>(1, { type: 'emit', event: 'question', timeout: 20_000 })
    assert.deepEqual(new Set(answers), new Set([0, 1, 2]))
    assert.deepEqual((await processes.ask<string[]>(1, { type: 'fetch' })).sort(), [...ids].sort())
    const pids = await processes.ask<number[]>(0, { type: 'pids' })
    assert.deepEqual(new Set(pids), new Set([processes.children[1]!.pid, processes.children[2]!.pid]))
    const gone = clients.map((client) => new Promise((resolve) => client.once('disconnect', resolve)))
    await processes.ask(2, { type: 'disconnect' })
    assert.deepEqual(await Promise.all(gone), Array(3).fill('io server disconnect'))
  })

  test(`a killed process is missed by nobody ${way}`, { timeout: 120_000 }, async () => {
    await using processes = await Processes.start(3, data)
    await processes.client(0)
    await processes.client(1)
    const [pid] = processes.children.map((child) => child.pid)
    await processes.children[0]!.kill()
    // At once, without waiting for anybody to notice: whose file is not locked is not asked.
    const pids = processes.ask<number[]>(1, { type: 'pids' })
    const sockets = processes.ask<string[]>(2, { type: 'fetch' })
    assert.ok(!(await pids).includes(pid!))
    assert.equal((await sockets).length, 1)
    await processes.untilMet([1, 2])
    assert.equal((await processes.ask<number[]>(2, { type: 'pids' })).length, 1)
    const added = await processes.add()
    await processes.untilMet([1, 2, added])
    await processes.ask(added, { type: 'stop' })
    await processes.untilMet([1, 2])
  })
}

test(
  'clients of killed processes come back to others, and have each event once, in the order of the log',
  { timeout: 180_000 },
  async () => {
    await using processes = await Processes.start(3, { recovery })
    const clients = [await processes.client(0), await processes.client(1), await processes.client(2)]
    const ids = clients.map(({ id }) => id)
    const heard: string[][] = clients.map((client, index) => {
      client.on('number', (pid: number, number: number) => heard[index]!.push(`${pid} ${number}`))
      return []
    })
    await Promise.all(clients.map((client, index) => client.emitWithAck('be', 'room', { index })))
    const living = new Set([0, 1, 2])
    for (const index of living) await processes.ask(index, { type: 'chatter', room: 'room' })
    const enough = (more: number) => {
      const from = heard.map((each) => each.length)
      return waitUntil(
        'numbers flow',
        () => heard.every((each, index) => each.length >= from[index]! + more),
        30_000,
      )
    }
    await enough(200)
    let killed = 0
    for (let round = 0; round < 3; round++) {
      const heir = await processes.add()
      await processes.ask(heir, { type: 'chatter', room: 'room' })
      for (const client of clients) moved(client, processes.urls[heir]!)
      await processes.children[killed]!.kill()
      living.delete(killed++)
      living.add(heir)
      await enough(200)
    }
    for (const index of living) await processes.children[index]!.kill()
    using database = await openDatabase(processes.path)
    const last = await processes.add()
    for (const client of clients) moved(client, processes.urls[last]!)
    const sent = database.numbers()
    const areBack = (): boolean => clients.every(({ connected }) => connected)
    const haveAll = (): boolean => heard.every((each) => each.at(-1) === sent.at(-1))
    await waitUntil('all are back and have all', () => areBack() && haveAll(), 60_000)
    for (const each of heard) assert.deepEqual(each, sent.slice(sent.indexOf(each[0]!)))
    for (const client of clients) assert.equal(client.recovered, true)
    assert.deepEqual(
      clients.map(({ id }) => id),
      ids,
    )
    const rooms = await Promise.all(
      ids.map((id) => processes.ask<string[]>(last, { type: 'rooms', socket: id! })),
    )
    for (const [index, each] of rooms.entries())
      assert.deepEqual(new Set(each), new Set([ids[index], 'room']))
  },
)

/** What was sent, as the table has it. */
async function openDatabase(path: string): Promise<Disposable & { numbers(): string[] }> {
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(path, { readOnly: true })
  return {
    numbers: () =>
      database
        .prepare(
          `select data from handcar_messages where channel = 'handcar.socket.io/' and type = 'event' order by offset`,
        )
        .all()
        .map(({ data }) => decode(data as string))
        .flatMap((envelope) => {
          const [event, pid, number] =
            envelope.kind === 'event' ? (envelope.packet.data as [string, number, number]) : []
          return event === 'number' ? [`${pid} ${number}`] : []
        }),
    [Symbol.dispose]: () => database.close(),
  }
}
