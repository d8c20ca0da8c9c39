import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { codeOf } from '../../../../test/helpers/errors.ts'
import { SocketIoCluster, SocketIoServer, untilMarked } from '../../../../test/helpers/socket-io.ts'
import { waitUntil } from '../../../../test/helpers/wait-until.ts'

const ways = {
  'through the relay': {},
  'with recovery, through the log': { recovery: { maxDisconnectionDuration: 120_000 } },
}

for (const [way, options] of Object.entries(ways)) {
  describe(`sockets of other servers ${way}`, { timeout: 120_000 }, () => {
    test('all join, those of a room, and one', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets, clients } = cluster
      void sockets[0]!.join('room1')
      void sockets[2]!.join('room1')
      ios[0]!.socketsJoin('all')
      ios[0]!.in('room1').socketsJoin(['room2', 'room3'])
      ios[0]!.in(sockets[1]!.id).socketsJoin('room4')
      ios[0]!.local.socketsJoin('here')
      await untilMarked(ios[0]!, clients)
      const rooms = sockets.map((socket) => [...socket.rooms].filter((room) => room !== socket.id).sort())
      assert.deepEqual(rooms, [
        ['all', 'here', 'room1', 'room2', 'room3'],
        ['all', 'room4'],
        ['all', 'room1', 'room2', 'room3'],
      ])
    })

    test('all leave, those of a room, and one', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets, clients } = cluster
      for (const socket of sockets) void socket.join(['all', 'room1', 'room2', 'room3'])
      void sockets[2]!.leave('room1')
      ios[0]!.socketsLeave('all')
      ios[0]!.in('room1').socketsLeave('room2')
      ios[0]!.in(sockets[1]!.id).socketsLeave('room3')
      await untilMarked(ios[0]!, clients)
      const rooms = sockets.map((socket) => [...socket.rooms].filter((room) => room !== socket.id).sort())
      assert.deepEqual(rooms, [['room1', 'room3'], ['room1'], ['room2', 'room3']])
    })

    test('all are disconnected, after what they were told before', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, clients } = cluster
      const story: string[][] = clients.map((client, index) => {
        client.on('last', () => story[index]!.push('last'))
        client.on('disconnect', (reason) => story[index]!.push(reason))
        return []
      })
      ios[1]!.emit('last')
      ios[1]!.disconnectSockets()
      await waitUntil('all are gone', () => story.every((each) => each.length === 2))
      assert.deepEqual(
        story,
        clients.map(() => ['last', 'io server disconnect']),
      )
    })

    test('all are listed, with what is known of them', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets } = cluster
      sockets[1]!.data = { name: 'Ann', bytes: Buffer.of(1) }
      Object.assign(sockets[1]!.handshake, { sessionStore: cluster })
      const all = await ios[0]!.fetchSockets()
      assert.deepEqual(all.map(({ id }) => id).sort(), sockets.map(({ id }) => id).sort())
      delete (sockets[1]!.handshake as { sessionStore?: unknown }).sessionStore
      const [one] = await ios[0]!.in(sockets[1]!.id).fetchSockets()
      assert.deepEqual(one!.handshake, { ...sockets[1]!.handshake, auth: {} })
      assert.deepEqual(one!.data, { name: 'Ann', bytes: Buffer.of(1) })
      assert.deepEqual([...one!.rooms], [sockets[1]!.id])
      assert.deepEqual(
        (await ios[0]!.local.fetchSockets()).map(({ id }) => id),
        [sockets[0]!.id],
      )
    })

    test('those of a room are listed, also of one that they have just been told to join', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets } = cluster
      ios[0]!.in([sockets[1]!.id, sockets[2]!.id]).socketsJoin('room')
      const found = await ios[0]!.in('room').except(sockets[2]!.id).fetchSockets()
      assert.deepEqual(
        found.map(({ id }) => id),
        [sockets[1]!.id],
      )
    })

    test('a list that is too long for one message, and one that is too long for the relay', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets } = cluster
      for (const size of [100_000, 1_500_000]) {
        sockets[1]!.data = 'x'.repeat(size)
        sockets[2]!.data = 'y'.repeat(size)
        const found = await ios[0]!.timeout(20_000).fetchSockets()
        const sizes = found.map(({ data }) => (typeof data === 'string' ? data.length : 0))
        assert.deepEqual(new Set(sizes), new Set([0, size]))
        assert.equal(sizes.length, 3)
      }
    })

    test('a socket that leaves is in no room', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets } = cluster
      const {
        id,
        nsp: { adapter },
      } = sockets[0]!
      void sockets[0]!.join('room')
      sockets[0]!.disconnect()
      assert.equal(adapter.sids.get(id), undefined)
      assert.equal(adapter.rooms.size, 0)
      assert.equal((await ios[1]!.fetchSockets()).length, 2)
    })
  })

  describe(`events between servers ${way}`, { timeout: 120_000 }, () => {
    test('reach the others', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios } = cluster
      const heard: unknown[][] = []
      for (const [index, io] of ios.entries())
        io.on('hello', (...args: unknown[]) => heard.push([index, ...args]))
      ios[0]!.serverSideEmit('hello', 'world', 1, Buffer.of(2))
      await waitUntil('both have it', () => heard.length === 2)
      for (const [index, ...args] of heard) {
        assert.notEqual(index, 0)
        assert.deepEqual(args, ['world', 1, Buffer.of(2)])
      }
    })

    test('are answered by the others', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios } = cluster
      ios[0]!.on('hello', () => assert.fail('not here'))
      ios[1]!.on('hello', (answer: (value: unknown) => void) => [2, 3].forEach(answer))
      ios[2]!.on('hello', (answer: (value: unknown) => void) => answer({ three: '3' }))
      const answers = (await ios[0]!.serverSideEmitWithAck('hello')) as unknown[]
      assert.deepEqual(new Set(answers), new Set([2, { three: '3' }]))
    })

    test('that one does not answer fail in time, with the answers of the others', async () => {
      await using cluster = await SocketIoCluster.start({ ...options, adapter: { requestTimeout: 500 } })
      const { ios } = cluster
      ios[1]!.on('hello', (answer: (value: unknown) => void) => answer(2))
      ios[2]!.on('hello', () => {})
      const error = await ios[0]!.serverSideEmitWithAck('hello').then(
        () => assert.fail('it should have failed'),
        (reason: Error & { code: string; responses: unknown[] }) => reason,
      )
      assert.equal(error.code, 'HANDCAR_REALTIME_SERVERS')
      assert.match(error.message, /2 other servers .* 500 ms, got 1/)
      assert.deepEqual(error.responses, [2])
    })

    test('are answered at once by nobody when there is nobody', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { servers, ios } = cluster
      for (const server of servers.splice(1)) await server[Symbol.asyncDispose]()
      assert.equal(await ios[0]!.of('/').adapter.serverCount(), 1)
      assert.deepEqual(await ios[0]!.serverSideEmitWithAck('hello'), [])
      assert.equal((await ios[0]!.fetchSockets()).length, 1)
    })
  })
}

test('what is strange is ignored', async () => {
  await using cluster = await SocketIoCluster.start()
  const { servers, ios, clients } = cluster
  const { insideOf } = await import('../../realtime.ts')
  const { relay } = insideOf(servers[0]!.realtime).parts
  for (const text of ['', 'nothing', '0\n{}', '0\n{"kind":"unheard of"}', '0\nnull', '5'])
    relay!.send('handcar.socket.io/', text)
  relay!.send('handcar.socket.io/elsewhere', '0\n{}')
  await untilMarked(ios[0]!, clients)
})

test('a Realtime that is not started, without a relay, or no class is refused', async () => {
  await using cluster = await SocketIoCluster.start()
  const { createAdapter } = await import('./index.ts')
  const { Realtime } = await import('../../index.ts')
  const { Adapter } = await import('socket.io-adapter')
  const { Server } = await import('socket.io')
  const stopped = new Realtime({ database: cluster.database })
  assert.equal(
    await codeOf(() => new Server({ adapter: createAdapter({ realtime: stopped, Adapter }) })),
    'HANDCAR_NOT_STARTED',
  )
  assert.equal(
    await codeOf(() => createAdapter({ realtime: stopped, Adapter: Object as never })),
    'HANDCAR_OPTION_INVALID',
  )
  assert.equal(
    await codeOf(() => createAdapter({ realtime: {} as never, Adapter })),
    'HANDCAR_OPTION_INVALID',
  )
  const alone = new Realtime({ database: cluster.database, relay: false })
  await alone.start()
  assert.equal(
    await codeOf(() => new Server({ adapter: createAdapter({ realtime: alone, Adapter }) })),
    'HANDCAR_OPTION_INVALID',
  )
  await alone.stop()
  await assert.rejects(
    SocketIoServer.start(cluster.database, { recovery: { maxDisconnectionDuration: 86_400_000 } }),
    { code: 'HANDCAR_OPTION_INVALID' },
  )
})
