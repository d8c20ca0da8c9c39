import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../../test/crash/random.ts'
import { isSoak } from '../../../test/crash/soak.ts'
import { TestClient } from '../../../test/helpers/realtime-client.ts'
import { RealtimeServer } from '../../../test/helpers/realtime-server.ts'
import { TestStream } from '../../../test/helpers/realtime-stream.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { parsePosition, type ServerMessage } from '../protocol.ts'
import { unchecked } from '../channels/channel-types.ts'
import { defineChannel } from '../channels/define-channel.ts'

const messages = { posted: unchecked<unknown>(), hint: { schema: unchecked<unknown>(), ephemeral: true } }
const rooms = ['open/1', 'open/2', 'asked/1', 'asked/2']
/** Whoever is in it may not listen to the channels that ask. */
const banned = new Set<string>()
const channels = [
  defineChannel({ name: 'open/:id', public: true, presence: true, messages }),
  defineChannel({
    name: 'asked/:id',
    messages,
    send: { say: unchecked<unknown>() },
    async authorize({ user }) {
      const answer = !banned.has(String(user?.id))
      if (Math.random() < 0.5) await sleep(Math.random() * 5)
      return answer
    },
    onMessage: ({ data }) => data,
  }),
]
const authenticate = async (request: Request) => {
  await sleep(Math.random() * 5)
  return { id: new URL(request.url).searchParams.get('token') ?? 'nobody' }
}
/** What no client of ours says. */
const nonsense = [
  '{"subscribe":"__proto__","id":1}',
  '{"subscribe":"open/1","id":1,"from":"constructor.1"}',
  '{"subscribe":"open/%31","id":1}',
  '{"subscribe":"handcar.control","id":1}',
  '{"unsubscribe":"toString","id":2}',
  '{"send":"asked/1","type":"__proto__","data":{},"id":3}',
  '{"send":"asked/1","type":"say","data":{"__proto__":{"polluted":true}},"id":3,"key":"hasOwnProperty"}',
  '{"subscribe":"open/1","id":1,"presence":{"__proto__":{"polluted":true}}}',
  '{"ping":1e308}',
]
const endings = ['', 'null', '[]', '{"id":1}', '{"ping":"x"}', '\u0000', '{"subscribe":1,"id":1}']

interface Log {
  readonly user: string
  readonly messages: readonly ServerMessage[]
  /** The rooms of its subscribes, by their ids. */
  readonly asked: Map<number, string>
}

/** All offsets of each room, as the log has them. */
function truthOf(server: RealtimeServer): Map<string, number[]> {
  const truth = new Map<string, number[]>(rooms.map((room) => [room, []]))
  for (const { offset, channel } of server.database.all<{ offset: number; channel: string }>(
    'select offset, channel from handcar_messages order by offset',
  ))
    truth.get(channel)?.push(offset)
  return truth
}

/** Within each subscription everything comes after its position, once and in order, up to where it ends. */
function check({ user, messages: heard, asked }: Log, truth: ReadonlyMap<string, readonly number[]>): void {
  const at = new Map<string, number>()
  for (const message of heard) {
    if ('subscribed' in message) at.set(message.subscribed, parsePosition(message.position)!.offset)
    else if ('gap' in message) at.set(message.gap, parsePosition(message.position)!.offset)
    else if ('unsubscribed' in message) at.delete(message.unsubscribed)
    else if ('error' in message) at.delete(asked.get(message.id ?? -1) ?? '')
    else if ('channel' in message && message.offset !== undefined) {
      const before = at.get(message.channel)
      assert.ok(
        before !== undefined,
        `${user} got ${message.offset} of ${message.channel} without a subscription`,
      )
      const expected = truth.get(message.channel)!.find((offset) => offset > before)
      assert.equal(message.offset, expected, `${user} in ${message.channel} after ${before}`)
      at.set(message.channel, message.offset)
    } else if ('position' in message && Object.keys(message).length === 1) {
      const { offset } = parsePosition(message.position)!
      for (const [room, before] of at) {
        const missed = truth.get(room)!.find((each) => each > before && each <= offset)
        assert.equal(
          missed,
          undefined,
          `${user} was told to have all of ${room} up to ${offset}, and has ${before}`,
        )
      }
    }
  }
}

test(
  'whatever clients do in whatever order, each hears what it may, once and in order, and leaves nothing behind',
  { timeout: 600_000 },
  async (t) => {
    const random = new Random()
    t.diagnostic(`seed ${random.seed}`)
    await using server = await RealtimeServer.start({
      channels,
      authenticate,
      heartbeat: 50,
      highWater: 20_000,
      limits: { sendRate: 100_000, handshake: '5s' },
    })
    const logs: Log[] = []
    const clients: TestClient[] = []
    const streams: TestStream[] = []
    const askedBy = new Map<TestClient, Map<number, string>>()
    let lastId = 100
    const position = () =>
      `${server.followed.feed.epoch}.${random.between(0, server.followed.feed.position + 1)}`
    const act: Record<string, () => unknown> = {
      publish: () => server.publish(random.pick(rooms), 'posted', 'x'.repeat(random.between(1, 3_000))),
      burst: () =>
        server.database.write(() => {
          for (let count = 0; count < 30; count++)
            void server.publish(random.pick(rooms), 'posted', 'x'.repeat(20_000))
        }),
      hint: () => server.connections.deliver({ channel: random.pick(rooms), type: 'hint', data: '1' }),
      connect: async () => {
        if (clients.length >= 20) return
        const user = `user-${random.between(0, 8)}`
        const client = new TestClient(`${server.url}?token=${user}`)
        const asked = new Map<number, string>()
        askedBy.set(client, asked)
        logs.push({ user, messages: client.messages, asked })
        await waitUntil('it is connected or refused', () => client.messages.length > 0 || client.closed)
        clients.push(client)
      },
      stream: async () => {
        if (streams.length >= 5) return
        const user = `user-${random.between(0, 8)}`
        const query = rooms
          .slice(random.between(0, 3))
          .map((room) => `channel=${room}&from=${random.chance(0.7) ? position() : ''}`)
        const stream = await TestStream.open(`${server.url}?token=${user}&${query.join('&')}`)
        logs.push({ user, messages: stream.messages, asked: new Map() })
        streams.push(stream)
      },
      subscribe: () =>
        each((client) => {
          const [room, id] = [random.pick(rooms), ++lastId]
          askedBy.get(client)!.set(id, room)
          client.say({
            subscribe: room,
            id,
            ...(random.chance(0.6) && { from: position() }),
            ...(random.chance(0.3) && { presence: { mood: random.between(0, 3) } }),
          })
        }),
      unsubscribe: () => each((client) => client.say({ unsubscribe: random.pick(rooms), id: 2 })),
      send: () => each((client) => client.say({ send: random.pick(rooms), type: 'say', data: 1, id: 3 })),
      nonsense: () => each((client) => client.socket.send(random.pick(nonsense))),
      ending: () => random.chance(0.2) && each((client) => client.socket.send(random.pick(endings))),
      pause: () => each(({ socket }) => (socket.isPaused ? socket.resume() : socket.pause())),
      terminate: () => random.chance(0.3) && each(({ socket }) => socket.terminate()),
      leave: async () => {
        if (random.chance(0.3)) await streams.shift()?.[Symbol.asyncDispose]()
      },
      ban: async () => {
        const user = `user-${random.between(0, 8)}`
        if (!banned.delete(user)) banned.add(user)
        await server.control('reauthorize', random.chance(0.5) ? { user } : { channel: random.pick(rooms) })
      },
      disconnect: () =>
        random.chance(0.2) &&
        server.control('disconnect', { user: `user-${random.between(0, 8)}`, reason: 'over' }),
      wait: () => sleep(random.between(0, 10)),
    }
    const each = (work: (client: TestClient) => unknown): void => {
      const open = clients.filter(({ socket }) => socket.readyState === socket.OPEN)
      if (open.length > 0) work(random.pick(open))
    }
    const names = Object.keys(act)
    for (let step = 0; step < (isSoak ? 20_000 : 1_500); step++) {
      const doing = Promise.resolve(act[random.pick(names)]!())
      if (random.chance(0.5)) await doing
      else doing.catch(() => {})
      for (let index = clients.length - 1; index >= 0; index--)
        if (clients[index]!.closed) clients.splice(index, 1)
    }
    for (const { socket } of clients) if (socket.readyState === socket.OPEN) socket.resume()
    await server.publish('open/1', 'posted', 'the end')
    await waitUntil('everything is handed out', () => server.connections.stats().behind === 0, 30_000)
    await waitUntil(
      'everybody who listens has the end',
      () =>
        [...clients].every(({ closed, messages: heard }) => {
          const last = heard.findLast(
            (message) =>
              ('subscribed' in message && message.subscribed === 'open/1') ||
              ('unsubscribed' in message && message.unsubscribed === 'open/1'),
          )
          const listens = closed === undefined && last !== undefined && 'subscribed' in last
          return (
            !listens ||
            heard.some((message) => 'channel' in message && message.data === 'the end') ||
            parsePosition((last as { position: string }).position)!.offset >= server.followed.feed.position
          )
        }),
      30_000,
    )
    const truth = truthOf(server)
    for (const log of logs) check(log, truth)
    const { delivered, fellBehind, gaps, dropped } = server.connections.stats()
    t.diagnostic(JSON.stringify({ clients: logs.length, delivered, fellBehind, gaps, dropped }))
    for (const client of clients) client.socket.terminate()
    for (const stream of streams) await stream[Symbol.asyncDispose]()
    await waitUntil('nobody is left', () => server.connections.stats().connections === 0)
    assert.partialDeepStrictEqual(server.connections.stats(), {
      subscriptions: 0,
      channels: 0,
      behind: 0,
      buffered: 0,
    })
    assert.equal(server.connections.census.arrivals.size, 0)
    for (const room of rooms) assert.deepEqual(server.presence.list(room), [])
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  },
)
