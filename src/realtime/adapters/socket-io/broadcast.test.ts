import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Heard, SocketIoCluster, untilMarked } from '../../../../test/helpers/socket-io.ts'
import { waitUntil } from '../../../../test/helpers/wait-until.ts'

const ways = {
  'through the relay': {},
  'with recovery, through the log': { recovery: { maxDisconnectionDuration: 120_000 } },
}

/** With recovery socket.io gives an event its position as one more argument. */
const withoutPosition = (args: readonly unknown[], wanted: number) => args.slice(0, wanted)

for (const [way, options] of Object.entries(ways)) {
  describe(`broadcasts ${way}`, { timeout: 120_000 }, () => {
    test('an event of one server reaches the clients of all, with what is binary in it', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const heard = new Heard(cluster.clients, 'test')
      cluster.ios[0]!.emit('test', 1, '2', Buffer.from([3, 4]), {
        list: [],
        bytes: Uint8Array.of(5),
        $binary: 'mine',
      })
      await waitUntil('all have it', () => heard.counts.every((count) => count === 1))
      for (const [args] of heard.by)
        assert.deepEqual(withoutPosition(args!, 4), [
          1,
          '2',
          Buffer.from([3, 4]),
          { list: [], bytes: Buffer.of(5), $binary: 'mine' },
        ])
    })

    test('in a namespace, whatever its name', async () => {
      for (const name of ['/custom', `/${'n'.repeat(3_000)}`]) {
        await using cluster = await SocketIoCluster.start(options)
        for (const io of cluster.ios) io.of(name)
        await cluster.untilMet(name)
        const clients = cluster.clients.map((client) => client.io.socket(name))
        const heard = new Heard(clients, 'test')
        await Promise.all(
          clients.map((client) => new Promise((resolve) => client.once('connect', resolve as () => void))),
        )
        const elsewhere = new Heard(cluster.clients, 'test')
        cluster.ios[0]!.of(name).emit('test', 'here')
        await waitUntil('all have it', () => heard.counts.every((count) => count === 1))
        await untilMarked(cluster.ios[0]!, cluster.clients)
        assert.deepEqual(elsewhere.counts, [0, 0, 0])
      }
    })

    test('to a room, to one with a number, to several: each client once; except for a room', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets, clients } = cluster
      const heard = new Heard(clients, 'test')
      void sockets[1]!.join(['one', 'two'])
      void sockets[2]!.join(7 as unknown as string)
      ios[0]!.to('one').emit('test', 'a room')
      ios[0]!.to(7 as unknown as string).emit('test', 'a number')
      ios[0]!.to('one').to('two').emit('test', 'several')
      ios[0]!.except('one').emit('test', 'except')
      ios[0]!.to('nobody').emit('test', 'nobody')
      await untilMarked(ios[0]!, clients)
      const names = heard.by.map((each) => each.map(([name]) => name))
      assert.deepEqual(names, [['except'], ['a room', 'several'], ['a number', 'except']])
    })

    test('of a socket, to all others; to a room that was left: to nobody', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, sockets, clients } = cluster
      const heard = new Heard(clients, 'test')
      void sockets[0]!.join('left')
      void sockets[0]!.leave('left')
      sockets[1]!.broadcast.to('left').emit('test', 'left')
      sockets[1]!.broadcast.emit('test', 'others')
      await untilMarked(ios[1]!, clients)
      assert.deepEqual(
        heard.by.map((each) => each.map(([name]) => name)),
        [['others'], [], ['others']],
      )
    })

    test('a local one stays here; a volatile one reaches all who can take it', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, clients } = cluster
      const heard = new Heard(clients, 'test')
      ios[1]!.local.emit('test', 'local')
      // A client that has not taken the one before would not get a volatile one.
      await waitUntil('the local one has come', () => heard.counts[1] === 1)
      ios[1]!.volatile.emit('test', 'volatile')
      await waitUntil('the volatile one has come', () =>
        heard.by.every((each) => each.some(([name]) => name === 'volatile')),
      )
      await untilMarked(ios[1]!, clients)
      assert.deepEqual(
        heard.by.map((each) => each.map(([name]) => name)),
        [['volatile'], ['local', 'volatile'], ['volatile']],
      )
    })

    test('what one server says is heard in that order, whatever way it goes', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, clients, sockets } = cluster
      const heard = new Heard(clients, 'test')
      const large = 'x'.repeat(200_000)
      const expected = Array.from({ length: 100 }, (_, index) => index)
      for (const index of expected) {
        if (index % 10 === 3) ios[0]!.emit('test', index, large)
        else if (index % 10 === 7) ios[0]!.in(sockets[2]!.id).socketsJoin(`room ${index}`)
        if (index % 10 === 7) ios[0]!.to(`room ${index}`).emit('test', index)
        else if (index % 10 !== 3) ios[0]!.emit('test', index)
      }
      await untilMarked(ios[0]!, clients)
      assert.deepEqual(
        heard.by[2]!.map(([index]) => index),
        expected,
      )
      for (const index of [0, 1])
        assert.deepEqual(
          heard.by[index]!.map(([each]) => each),
          expected.filter((each) => each % 10 !== 7),
        )
    })

    test('a parser of the app', async () => {
      const { parser } = await import('../../../../test/helpers/json-parser.ts')
      await using cluster = await SocketIoCluster.start({
        ...options,
        servers: { parser },
        client: { parser },
      })
      const heard = new Heard(cluster.clients, 'test')
      cluster.ios[0]!.emit('test', 1, '2', [3])
      await waitUntil('all have it', () => heard.counts.every((count) => count === 1))
      for (const [args] of heard.by) assert.deepEqual(withoutPosition(args!, 3), [1, '2', [3]])
    })
  })

  describe(`acknowledgements of broadcasts ${way}`, { timeout: 120_000 }, () => {
    test('all clients answer, also with bytes', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, clients } = cluster
      for (const [index, client] of clients.entries()) client.on('test', (answer) => answer(index))
      for (const client of clients) client.on('bytes', (answer) => answer(Buffer.of(9)))
      const answers = (await ios[0]!.timeout(20_000).emitWithAck('test')) as number[]
      assert.deepEqual(new Set(answers), new Set([0, 1, 2]))
      assert.deepEqual(await ios[1]!.timeout(20_000).emitWithAck('bytes'), [
        Buffer.of(9),
        Buffer.of(9),
        Buffer.of(9),
      ])
      assert.deepEqual(await ios[1]!.local.timeout(20_000).emitWithAck('test'), [1])
    })

    test('nobody is asked', async () => {
      await using cluster = await SocketIoCluster.start(options)
      assert.deepEqual(await cluster.ios[0]!.to('nobody').timeout(20_000).emitWithAck('test'), [])
    })

    test('one does not answer: an error with the answers of the others, and nothing is left', async () => {
      await using cluster = await SocketIoCluster.start(options)
      const { ios, clients, sockets } = cluster
      clients[0]!.on('test', (answer) => answer(0))
      clients[1]!.on('test', (answer) => answer(1))
      clients[2]!.on('test', () => {})
      const error = await ios[0]!
        .timeout(1_000)
        .emitWithAck('test')
        .then(
          () => assert.fail('it should have failed'),
          (reason: Error & { responses: number[] }) => reason,
        )
      assert.deepEqual(new Set(error.responses), new Set([0, 1]))
      const acks = () =>
        sockets.map((socket) => (socket as unknown as { acks: Map<number, unknown> }).acks.size)
      await waitUntil('no answer is waited for', () => acks().every((size) => size === 0))
    })
  })
}
