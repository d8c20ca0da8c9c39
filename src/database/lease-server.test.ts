import assert from 'node:assert/strict'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { message } from './lease.ts'
import { LeaseServer } from './lease-server.ts'

const { ask, release, grant, revoke, queued, open, checkpointing, notCheckpointing } = message

/** A client that records what it hears: whether the writing is queued or open, and everything else. */
class Client {
  readonly heard: number[] = []
  readonly modes: number[] = []
  readonly socket: Socket

  constructor(path: string) {
    this.socket = connect(path)
    this.socket.on('data', (bytes) => {
      for (const byte of bytes as Buffer) {
        if (byte === queued || byte === open) this.modes.push(byte)
        else this.heard.push(byte)
      }
    })
    this.socket.on('error', () => {})
  }

  say(byte: number): void {
    this.socket.write(Buffer.of(byte))
  }

  /** Waits until it has heard these bytes and no others. */
  hears(...bytes: number[]): Promise<void> {
    return waitUntil(
      `${bytes.join(' ')}, heard ${this.heard.join(' ')}`,
      () => this.heard.join() === bytes.join(),
    )
  }
}

/** Runs a test with a server and clients. */
async function withServer(
  count: number,
  run: (clients: Client[], server: LeaseServer, path: string) => Promise<void>,
): Promise<void> {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3.coordinator')
  const server = new LeaseServer(path)
  await server.listen()
  const clients: Client[] = []
  try {
    for (let index = 0; index < count; index++) {
      const client = new Client(path)
      clients.push(client)
      await client.hears(notCheckpointing)
    }
    await run(clients, server, path)
  } finally {
    for (const { socket } of clients) socket.destroy()
    await server.close()
  }
}

test('the lease goes round in the order of asking, and is asked back while somebody waits', async () => {
  await withServer(3, async ([a, b, c], server) => {
    a!.say(ask)
    await a!.hears(notCheckpointing, grant)
    b!.say(ask)
    await a!.hears(notCheckpointing, grant, revoke)
    c!.say(ask)
    await waitUntil('both wait', () => server.stats().waiting === 2)
    a!.say(release)
    await b!.hears(notCheckpointing, grant, revoke)
    assert.deepEqual(c!.heard, [notCheckpointing])
    b!.say(release)
    await c!.hears(notCheckpointing, grant)
    assert.deepEqual(server.stats(), { clients: 3, waiting: 0, grants: 3 })
  })
})

test('the writing is queued from the first asking on, for all, and open again when nobody has asked for a while', async () => {
  await withServer(2, async ([a, b], _server, path) => {
    a!.say(ask)
    await waitUntil(
      'both know',
      () => a!.modes.join() === b!.modes.join() && a!.modes.join() === String(queued),
    )
    const late = new Client(path)
    await waitUntil('a new one knows too', () => late.modes.join() === String(queued))
    await waitUntil('all may write again', () => [a!, b!, late].every(({ modes }) => modes.at(-1) === open))
    a!.say(release)
    b!.say(ask)
    await waitUntil('a new queue', () => b!.heard.includes(grant) && a!.modes.at(-1) === queued)
    late.socket.destroy()
  })
})

test('a holder that leaves passes the lease on; one that waits and leaves is forgotten', async () => {
  await withServer(3, async ([a, b, c], server) => {
    a!.say(ask)
    await a!.hears(notCheckpointing, grant)
    b!.say(ask)
    c!.say(ask)
    await waitUntil('both wait', () => server.stats().waiting === 2)
    b!.socket.destroy()
    await waitUntil('it is forgotten', () => server.stats().clients === 2)
    a!.socket.destroy()
    await c!.hears(notCheckpointing, grant)
    assert.deepEqual(server.stats(), { clients: 1, waiting: 0, grants: 2 })
  })
})

test('a release of who does not hold the lease, and bytes without meaning, change nothing', async () => {
  await withServer(2, async ([a, b], server) => {
    a!.say(ask)
    await a!.hears(notCheckpointing, grant)
    b!.say(release)
    b!.say(0)
    b!.say(255)
    b!.say(ask)
    await a!.hears(notCheckpointing, grant, revoke)
    assert.deepEqual([b!.heard, server.stats().grants], [[notCheckpointing], 1])
  })
})

test('clients are told whether the coordinator checkpoints, now and later', async () => {
  await withServer(1, async ([a], server, path) => {
    server.setCheckpointing(true)
    await a!.hears(notCheckpointing, checkpointing)
    const late = new Client(path)
    await late.hears(checkpointing)
    late.socket.destroy()
  })
})

test('nobody but its user may connect, and nobody may listen beside it', async () => {
  await withServer(0, async (_clients, _server, path) => {
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(await codeOf(() => new LeaseServer(path).listen()), 'HANDCAR_COORDINATOR_EXISTS')
  })
})

test('close() disconnects its clients', async () => {
  await withServer(1, async ([a], server) => {
    const closed = once(a!.socket, 'close')
    await server.close()
    await closed
  })
})
