import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Socket } from 'socket.io-client'
import { Heard, SocketIoCluster, untilMarked } from '../../../../test/helpers/socket-io.ts'
import { waitUntil } from '../../../../test/helpers/wait-until.ts'
import { Bus } from './bus.ts'
import { Recovery } from './recovery.ts'
import type { Namespace } from './socket-io-types.ts'
import { StoredEvents } from './stored-events.ts'

const options = { recovery: { maxDisconnectionDuration: 120_000 } }

/** What a client of socket.io remembers for coming back. */
interface Remembered {
  _pid?: string
  _lastOffset?: string
}

/** Cuts the connection, and resolves when the client is connected again. */
async function cut(client: Socket, meanwhile: () => unknown = () => {}): Promise<void> {
  const back = new Promise((resolve) => client.once('connect', () => resolve(undefined)))
  const gone = new Promise((resolve) => client.once('disconnect', resolve))
  client.io.engine.close()
  await gone
  await meanwhile()
  await back
}

/** Lets a client come back to another server. */
function move(client: Socket, url: string): void {
  ;(client.io as unknown as { uri: string }).uri = url
}

const sessionsOf = ({ database }: SocketIoCluster) =>
  database.all<{ sid: string; disconnected_at: number | null }>('select * from handcar_socket_io_sessions')

/** One that nobody uses, to prune with. */
function recoveryOf({ servers, ios }: SocketIoCluster): Recovery & AsyncDisposable {
  const bus = Bus.of(servers[0]!.realtime)
  const recovery = new Recovery({
    bus,
    events: new StoredEvents(bus.feed),
    channel: Bus.channelOf('/'),
    server: 'nobody',
    namespace: ios[0]!.of('/') as unknown as Namespace,
    delivered: () => 0,
    reached: async () => {},
    roomsOf: () => [],
  })
  return Object.assign(recovery, { [Symbol.asyncDispose]: () => recovery.close() })
}

describe('connection state recovery', { timeout: 120_000 }, () => {
  for (const [where, target] of [
    ['to the same server', 0],
    ['to another server', 1],
  ] as const) {
    test(`a client comes back ${where}: its id, rooms, data, and what it has missed`, async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, clients, sockets, servers } = cluster
      const [client] = clients as [Socket]
      const { id } = client
      const heard = new Heard([client], 'test')
      await sockets[0]!.join('room1')
      sockets[0]!.data = { name: 'Ann', bytes: Buffer.of(1) }
      await untilMarked(ios[1]!, clients)
      move(client, servers[target]!.url)
      const reborn = new Promise<(typeof sockets)[0]>((resolve) => ios[target]!.once('connection', resolve))
      await cut(client, () => {
        ios[2]!.emit('test', 1, Buffer.of(7))
        ios[0]!.to('room1').emit('test', 2)
        ios[1]!.to(id!).emit('test', 3)
        // Not for it.
        ios[0]!.to('room2').emit('test', 4)
        ios[0]!.except('room1').emit('test', 5)
        ios[0]!.of('/other').emit('test', 6)
        ios[0]!.volatile.emit('test', 7)
      })
      await untilMarked(ios[2]!, [client])
      assert.equal(client.recovered, true)
      assert.equal(client.id, id)
      assert.deepEqual(new Set(heard.by[0]!.map(([each]) => each)), new Set([1, 2, 3]))
      assert.equal(heard.counts[0], 3)
      assert.deepEqual(heard.by[0]!.find(([each]) => each === 1)![1], Buffer.of(7))
      const socket = await reborn
      assert.equal(socket.recovered, true)
      assert.deepEqual(socket.rooms, new Set([id, 'room1']))
      assert.deepEqual(socket.data, { name: 'Ann', bytes: Buffer.of(1) })
      const all = await ios[1]!.fetchSockets()
      assert.equal(all.filter((each) => each.id === id).length, 1)
    })
  }

  test('while events flow and connections are cut, each comes once and in order', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { ios, clients, servers, sockets } = cluster
    const heard = new Heard(clients, 'number')
    for (const socket of sockets) await socket.join('room')
    await untilMarked(ios[0]!, clients)
    const total = 600
    const progress = { sent: 0 }
    const sending = (async () => {
      for (let number = 0; number < total; number++) {
        ios[number % 3]!.to('room').emit('number', number)
        progress.sent = number + 1
        await new Promise((resolve) => setTimeout(resolve, number % 5 === 0 ? 1 : 0))
      }
    })()
    for (let round = 0; progress.sent < total && round < 12; round++) {
      const client = clients[round % 3]!
      move(client, servers[(round * 2 + 1) % 3]!.url)
      await cut(client)
      assert.equal(client.recovered, true)
    }
    await sending
    await waitUntil('all have all', () => heard.counts.every((count) => count >= total))
    for (const each of heard.by) {
      const numbers = each.map(([number]) => number as number)
      assert.equal(new Set(numbers).size, total)
      assert.equal(numbers.length, total)
      // Of each server, in the order in which it has sent.
      for (const server of [0, 1, 2]) {
        const own = numbers.filter((number) => number % 3 === server)
        assert.deepEqual(
          own,
          [...own].sort((one, other) => one - other),
        )
      }
    }
    assert.deepEqual(heard.by[0], heard.by[1])
    assert.deepEqual(heard.by[0], heard.by[2])
  })

  test('what is sent while middleware runs is not lost', async () => {
    await using cluster = await SocketIoCluster.start({
      recovery: { ...options.recovery, skipMiddlewares: false },
    })
    const { ios, clients, sockets } = cluster
    const [client] = clients as [Socket]
    const heard = new Heard([client], 'test')
    await sockets[0]!.join('room')
    await untilMarked(ios[0]!, clients)
    ios[0]!.use((_, next) => {
      ios[1]!.to('room').emit('test', 'meanwhile')
      const others = new Heard([clients[1]!], 'mark')
      ios[1]!.emit('mark')
      void (async () => {
        await waitUntil('others have got what came after it', () => others.counts[0] === 1)
        next()
      })()
    })
    await cut(client, () => ios[1]!.to('room').emit('test', 'before'))
    await untilMarked(ios[1]!, [client])
    assert.equal(client.recovered, true)
    assert.deepEqual(
      heard.by[0]!.map(([each]) => each),
      ['before', 'meanwhile'],
    )
  })

  test('a client is told that it is connected before what it has missed, so that it has nothing twice', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { ios, clients } = cluster
    const [client] = clients as [Socket]
    await untilMarked(ios[0]!, clients)
    const story: string[] = []
    client.io.on('packet', ({ type, data }) =>
      story.push((type as number) === 0 ? 'connected' : (data as [string])[0]),
    )
    await cut(client, () => ios[1]!.emit('test'))
    await untilMarked(ios[1]!, [client])
    assert.deepEqual(story, ['connected', 'test', 'mark'])
  })

  test('an event of before a room was joined is not given later', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { ios, clients, sockets } = cluster
    const [client] = clients as [Socket]
    const heard = new Heard([client], 'test')
    await untilMarked(ios[0]!, clients)
    ios[1]!.to('secret').emit('test', 'secret')
    await untilMarked(ios[1]!, clients.slice(1))
    const remembered = (client as unknown as Remembered)._lastOffset!
    await sockets[0]!.join('secret')
    ;(client as unknown as Remembered)._lastOffset = remembered.replace(/\d+$/, '0')
    await cut(client, () => ios[1]!.to('secret').emit('test', 'for all of them'))
    await untilMarked(ios[1]!, [client])
    assert.deepEqual(
      heard.by[0]!.map(([each]) => each),
      ['for all of them'],
    )
  })

  test('an event that is not stored leaves a client able to come back', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { ios, clients } = cluster
    const [client] = clients as [Socket]
    const heard = new Heard([client], 'test')
    await untilMarked(ios[0]!, clients)
    ios[1]!.volatile.emit('test', 'a text at the end')
    await waitUntil('it has come', () => heard.counts[0] === 1)
    await cut(client, () => ios[1]!.emit('test', 'missed'))
    assert.equal(client.recovered, true)
    await untilMarked(ios[1]!, [client])
    assert.deepEqual(
      heard.by[0]!.map(([each]) => each),
      ['a text at the end', 'missed'],
    )
  })

  test('a server that believes that it has the client still lets it go', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { ios, clients, servers } = cluster
    const [client] = clients as [Socket]
    await untilMarked(ios[0]!, clients)
    const { id } = client
    const { _pid: pid, _lastOffset: offset } = client as unknown as Remembered
    const other = cluster.client(servers[1]!, { auth: { pid, offset } })
    await waitUntil('it is there', () => other.connected)
    assert.equal(other.id, id)
    await waitUntil('the first has gone', () => client.disconnected)
    assert.equal((await ios[2]!.fetchSockets()).length, 3)
    const again = cluster.client(servers[1]!, { auth: { pid, offset } })
    await waitUntil('at the same server too', () => again.connected && other.disconnected)
    assert.equal(again.id, id)
    assert.equal((await ios[2]!.fetchSockets()).length, 3)
  })

  test('an unknown session, a position that is none, one of another life, one that is gone: not recovered', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { ios, clients, servers, database } = cluster
    const [client] = clients as [Socket]
    const remembered = client as unknown as Remembered
    const spoils: (() => unknown)[] = [
      () => (remembered._pid = 'abc'),
      () => (remembered._lastOffset = 'abc'),
      () => (remembered._lastOffset = '507f191e810c19729de860ea'),
      () => (remembered._lastOffset = remembered._lastOffset!.replace(/\d+$/, '99999999')),
      () => database.run(`insert into handcar_trimmed values ('handcar.socket.io/', 99999, 0)`),
      () => servers[0]!.realtime.newEpoch(),
    ]
    for (const spoil of spoils) {
      await untilMarked(ios[0]!, clients)
      const { id } = client
      await spoil()
      await cut(client)
      assert.equal(client.recovered, false, spoil.toString())
      assert.notEqual(client.id, id)
      await database.run('delete from handcar_trimmed')
    }
  })

  test('one that stays away too long is not recovered, and forgotten; one that leaves is forgotten at once', async () => {
    await using cluster = await SocketIoCluster.start({ recovery: { maxDisconnectionDuration: 1 } })
    const { ios, clients, database } = cluster
    const [client, other] = clients as [Socket, Socket]
    await untilMarked(ios[0]!, clients)
    await cut(client, async () => {
      await waitUntil('its session ends', () =>
        sessionsOf(cluster).some((session) => session.disconnected_at !== null),
      )
      await database.run(
        'update handcar_socket_io_sessions set disconnected_at = 5 where disconnected_at is not null',
      )
    })
    assert.equal(client.recovered, false)
    other.disconnect()
    const living = [client.id!, clients[2]!.id!].sort().join()
    const connected = () => sessionsOf(cluster).filter((session) => session.disconnected_at === null)
    const sids = () => connected().map(({ sid }) => sid)
    await waitUntil('it is forgotten, and the others are there', () => sids().sort().join() === living)
    await database.run('update handcar_socket_io_sessions set disconnected_at = 5')
    await using recovery = recoveryOf(cluster)
    await recovery.prune()
    assert.deepEqual(sessionsOf(cluster), [])
  })

  test('in a transaction an event is part of it', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { ios, clients, database } = cluster
    const heard = new Heard(clients, 'test')
    const failing = database.write(() => {
      ios[0]!.emit('test', 'rolled back')
      throw new Error('no')
    })
    await assert.rejects(failing, /no/)
    await database.write(() => void ios[0]!.emit('test', 'committed'))
    await untilMarked(ios[0]!, clients)
    assert.deepEqual(
      heard.by.map((each) => each.map(([name]) => name)),
      [['committed'], ['committed'], ['committed']],
    )
  })

  test('sessions are written as they change, and no more; data within a second or so', async () => {
    await using cluster = await SocketIoCluster.start(options)
    const { sockets, database } = cluster
    await waitUntil('all have one', () => sessionsOf(cluster).length === 3)
    const saved = () =>
      database.get<{ rooms: string; data: string }>(
        'select rooms, data from handcar_socket_io_sessions where sid = ?',
        [sockets[0]!.id],
      )!
    await sockets[0]!.join('room')
    assert.match(saved().rooms, /"room"/)
    await sockets[0]!.leave('room')
    assert.doesNotMatch(saved().rooms, /"room"/)
    sockets[0]!.data = { name: 'Bea' }
    await waitUntil('the data is there', () => saved().data === '{"name":"Bea"}')
    const before = database.stats().writes
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    assert.deepEqual(database.stats().writes, before)
  })
})
