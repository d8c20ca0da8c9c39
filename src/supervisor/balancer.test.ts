import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { test } from 'node:test'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Balancer } from './balancer.ts'
import type { ManagedProcess } from './managed-process.ts'

/** Stands in for a process: remembers what it was handed and acknowledges when told to. */
class Recipient {
  state: 'ready' | 'ended' = 'ready'
  readonly handed: { id: number; socket: Socket }[] = []
  onAccepted: (id: number) => void = () => {}

  hand(id: number, socket: Socket): void {
    this.handed.push({ id, socket })
  }

  accept(): void {
    this.onAccepted(this.handed.at(-1)!.id)
  }
}

const member = (recipient: Recipient): ManagedProcess => recipient as unknown as ManagedProcess

/** Connections as a listening socket gives them. */
async function connections(count: number): Promise<{ sockets: Socket[] } & Disposable> {
  const sockets: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, (socket) => sockets.push(socket)).listen(0)
  await once(server, 'listening')
  const clients = Array.from({ length: count }, () =>
    connect((server.address() as AddressInfo).port).on('error', () => {}),
  )
  await waitUntil('all are connected', () => sockets.length === count)
  return {
    sockets,
    [Symbol.dispose]() {
      for (const socket of [...clients, ...sockets]) socket.destroy()
      server.close()
    },
  }
}

test('connections go round, and wait while every process has one on its way', async () => {
  using open = await connections(5)
  const balancer = new Balancer()
  const [one, other] = [new Recipient(), new Recipient()]
  balancer.add(member(one))
  balancer.add(member(other))
  for (const socket of open.sockets) balancer.hand(socket)
  assert.deepEqual([one.handed.length, other.handed.length, balancer.waiting], [1, 1, 3])
  one.accept()
  assert.ok(open.sockets[0]!.destroyed, 'the copy of the supervisor is closed')
  one.accept()
  assert.deepEqual([one.handed.length, other.handed.length, balancer.waiting], [3, 1, 1])
  balancer.close()
})

test('a connection on its way to a process that ends goes to another', async () => {
  using open = await connections(1)
  const balancer = new Balancer()
  const [one, other] = [new Recipient(), new Recipient()]
  balancer.add(member(one))
  balancer.hand(open.sockets[0]!)
  balancer.add(member(other))
  one.state = 'ended'
  balancer.remove(member(one))
  assert.equal(other.handed[0]!.socket, open.sockets[0])
  balancer.close()
})

test('a process that drains keeps what is on its way and gets nothing more', async () => {
  using open = await connections(2)
  const balancer = new Balancer()
  const one = new Recipient()
  balancer.add(member(one))
  balancer.hand(open.sockets[0]!)
  balancer.remove(member(one))
  balancer.hand(open.sockets[1]!)
  one.accept()
  assert.deepEqual([one.handed.length, balancer.waiting], [1, 1])
  balancer.close()
  assert.ok(open.sockets[1]!.destroyed)
})

test('connections that come before any process is ready wait for the first', async () => {
  using open = await connections(3)
  const balancer = new Balancer()
  for (const socket of open.sockets) balancer.hand(socket)
  assert.equal(balancer.waiting, 3)
  const one = new Recipient()
  balancer.add(member(one))
  assert.equal(one.handed[0]!.socket, open.sockets[0])
  balancer.close()
})
