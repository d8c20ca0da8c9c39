import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Soak } from '../helpers/realtime-soak.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { isSoak } from './soak.ts'

const rooms = 4
const crowd = isSoak ? 1_000 : 100

async function assertNoProblems(
  soak: Soak,
): Promise<{ gaps: number; views: number; latency: { p99: number } }> {
  const sum = { gaps: 0, views: 0, latency: { p99: 0 } }
  for (const clients of soak.clients) {
    const { problems, gaps, views, latency } = await clients.check(60_000)
    assert.deepEqual(problems, [])
    sum.gaps += gaps
    sum.views += views
    sum.latency.p99 = Math.max(sum.latency.p99, latency.p99)
  }
  return sum
}

test(
  'retention that is shorter than an outage: everybody is told of the gap, and then nothing is missing',
  { timeout: 120_000 },
  async () => {
    await using soak = await Soak.start(1, { retention: { count: 20 } })
    await soak.connect(crowd, { rooms, each: 2 })
    const [web] = soak.webs
    for (let room = 0; room < rooms; room++) await web!.ask({ type: 'burst', room, count: 10, bytes: 50 })
    await soak.clients[0]!.ask({ type: 'check', timeout: 30_000 })
    // Nobody can connect: the processes are gone, and another one publishes much more than is kept.
    await soak.takeWeb(web!).child.kill()
    const other = await soak.addPublisher()
    for (let room = 0; room < rooms; room++) await other.ask({ type: 'burst', room, count: 200, bytes: 50 })
    await other.ask({ type: 'trim' })
    await soak.takeWeb(other).drain()
    const next = await soak.addWeb()
    await soak.clients[0]!.ask({ type: 'untilOpen', timeout: 60_000 })
    for (let room = 0; room < rooms; room++) await next.ask({ type: 'burst', room, count: 10, bytes: 50 })
    const { gaps, views } = await assertNoProblems(soak)
    assert.equal(gaps, views)
  },
)

test(
  'an older state under connected clients: everybody is told of the gap, and then nothing is missing',
  { timeout: 120_000 },
  async () => {
    await using soak = await Soak.start(2)
    await soak.connect(crowd, { rooms, each: 2 })
    const [web, other] = soak.webs
    for (let room = 0; room < rooms; room++) await web!.ask({ type: 'burst', room, count: 50, bytes: 50 })
    for (const clients of soak.clients) await clients.check(30_000)
    const before = soak.position()
    await soak.database.write((tx) => {
      for (const table of ['handcar_messages', 'truth'])
        tx.run(`delete from ${table} where offset > (select max(offset) - 100 from ${table})`)
    })
    await waitUntil('a new epoch has begun', () => soak.position().split('.')[0] !== before.split('.')[0])
    for (let room = 0; room < rooms; room++) await other!.ask({ type: 'burst', room, count: 50, bytes: 50 })
    const { gaps, views } = await assertNoProblems(soak)
    assert.ok(gaps >= views, `${gaps} gaps, ${views} views`)
  },
)

/** A client that takes about 1 kB per second, on a socket of its own. */
class SlowConsumer implements Disposable {
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout
  taken = 0

  constructor(port: number, room: number) {
    const key = 'dGhlIHNhbXBsZSBub25jZQ=='
    this.#socket = connectSocket(port, '127.0.0.1')
    this.#socket.on('error', () => {})
    this.#socket.write(
      `GET /realtime?token=slow HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: handcar.v1\r\n\r\n`,
    )
    this.#socket.write(masked(JSON.stringify({ subscribe: `room/${room}`, id: 1 })))
    // Without a listener nothing is read but what is asked for.
    this.#socket.on('readable', () => {})
    this.#timer = setInterval(() => {
      const bytes = this.#socket.read(100) as Buffer | null
      this.taken += bytes?.length ?? 0
    }, 100)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#socket.destroy()
  }
}

/** A text as a frame of a client; the mask of zeros leaves it as it is. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text)
  return Buffer.concat([Buffer.of(0x81, 0x80 | payload.length, 0, 0, 0, 0), payload])
}

test(
  'a consumer of 1 kB per second among 200: the others have everything, and memory is bounded',
  { timeout: 240_000 },
  async (t) => {
    await using soak = await Soak.start(1)
    await soak.connect(200, { rooms: 1, each: 1 })
    const [web] = soak.webs
    using slow = new SlowConsumer(soak.port, 0)
    await waitUntil('it is subscribed', () => slow.taken > 200)
    const before = await web!.stats()
    // Ten times as much as it could take in an hour.
    const megabytes = isSoak ? 40 : 8
    let buffered = 0
    for (let count = 0; count < megabytes; count++) {
      await web!.ask({ type: 'burst', room: 0, count: 50, bytes: 20_000 })
      buffered = Math.max(buffered, (await web!.stats()).connections.buffered)
    }
    const { latency } = await assertNoProblems(soak)
    const after = await web!.stats()
    t.diagnostic(
      JSON.stringify({
        latency,
        buffered,
        rss: [before.rss, after.rss],
        taken: slow.taken,
        behind: after.connections.behind,
      }),
    )
    assert.equal(after.connections.connections, 201)
    assert.ok(after.connections.behind <= 1)
    // What waited when it fell behind, a run, and a piece.
    assert.ok(after.connections.buffered < 262_144 + 3 * 90_000, `${after.connections.buffered} bytes wait`)
  },
)

test(
  'a storm of ten times what clients take: they fall behind, are caught up, and miss nothing',
  { timeout: 240_000 },
  async (t) => {
    await using soak = await Soak.start(2)
    await soak.connect(crowd, { rooms, each: 2 })
    const bursts = soak.webs.map((web, index) =>
      web.ask({ type: 'burst', room: index, count: 500, bytes: 4_000 }),
    )
    // The clients stand still while it comes.
    for (const { child } of soak.clients) child.signal('SIGSTOP')
    await Promise.all(bursts)
    const waiting = await Promise.all(soak.webs.map((web) => web.stats()))
    for (const { child } of soak.clients) child.signal('SIGCONT')
    await assertNoProblems(soak)
    t.diagnostic(
      JSON.stringify(
        waiting.map(({ rss, connections: { connections, behind, buffered } }) => ({
          rss,
          connections,
          behind,
          buffered,
        })),
      ),
    )
    for (const { connections } of waiting)
      assert.ok(connections.buffered <= connections.connections * (262_144 + 3 * 90_000))
  },
)

test('silent subscribers write nothing, and cost no time', { timeout: 240_000 }, async (t) => {
  await using soak = await Soak.start(1, { heartbeat: 1_000 })
  const count = isSoak ? 1_000 : 200
  await soak.connect(count, { rooms: 50, each: 2, streams: 0 })
  const [web] = soak.webs
  const state = () => {
    const { size, mtimeMs } = statSync(`${soak.path}-wal`)
    return {
      size,
      mtimeMs,
      changes: soak.database.get('select max(revision) as presences from handcar_presences'),
    }
  }
  await waitUntil(
    'all who are there are written',
    () => soak.presencesOf(web!.child.pid) === Math.ceil(count / 4),
  )
  const before = state()
  const { cpu } = await web!.stats()
  const startedAt = performance.now()
  await sleep(5_000)
  const after = await web!.stats()
  const busy =
    (after.cpu.user + after.cpu.system - cpu.user - cpu.system) / 1_000 / (performance.now() - startedAt)
  assert.deepEqual(state(), before)
  assert.equal(after.connections.connections, count)
  t.diagnostic(`${count} silent clients with a heartbeat each second: ${(busy * 100).toFixed(1)} % of a core`)
})
