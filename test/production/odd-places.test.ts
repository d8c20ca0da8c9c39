import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { MemoryGroup } from '../helpers/memory-group.ts'
import { ProductionApp } from './app.ts'

/** Where else an app is run: without a terminal, as the first process of a container, under systemd, with little memory. */

const answer = async (app: ProductionApp): Promise<string> => (await fetch(await app.address())).text()

test('with standard input closed', async () => {
  await using app = new ProductionApp({}, { wrapper: ['sh', '-c', 'exec "$@" <&-', 'sh'] })
  assert.equal(await answer(app), 'one')
})

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0
const skipContainer = !canUnshare && 'needs unshare and the right to use it'

test(
  'as process 1: signals stop it, orphans trouble nobody, an upgrade is refused',
  { skip: skipContainer },
  async () => {
    await using app = new ProductionApp(
      {},
      { wrapper: ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'] },
    )
    assert.equal(await answer(app), 'one')
    assert.equal((await app.status()).pid, 1)
    app.release('two')
    await app.reload()
    assert.equal(await answer(app), 'two')
    await assert.rejects(() => app.upgrade(), { code: 'HANDCAR_UPGRADE_IMPOSSIBLE' })
    // The signal has to come from outside of the container, to the process whose parent is unshare.
    const found = spawnSync('pgrep', ['-P', String(app.process.pid)], { encoding: 'utf8' }).stdout.trim()
    process.kill(Number(found), 'SIGTERM')
    assert.equal(await app.ended(), 0)
  },
)

test('with a socket that systemd listens on: a restart refuses nobody', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  // The shell is systemd: it keeps the socket, starts the app with it, and starts it again when it has ended.
  const start = `sh -c 'export LISTEN_PID=$$; exec "$@"' sh "$@"`
  await using app = new ProductionApp(
    { LISTEN_FDS: '1', LISTEN_FDNAMES: 'app.socket' },
    { wrapper: ['sh', '-c', `${start}; ${start}`, 'sh'], descriptors: [fd] },
  )
  server.close()
  assert.equal(await app.address(), `http://127.0.0.1:${port}`)
  const { pid } = await app.status()
  await app.stop()
  assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'one')
  assert.notEqual((await app.status()).pid, pid)
  await app.stop()
  assert.equal(await app.ended(), 0)
})

const memory = 256 * 1_024 ** 2
const skipGroup = !(await canLimitMemory()) && 'needs the right to make a control group with a memory limit'

test(
  'with 256 MB of memory: one process, and reloads fit in',
  { skip: skipGroup, timeout: 60_000 },
  async (t) => {
    await using group = MemoryGroup.make(memory)!
    await using app = new ProductionApp({ WEB_CONCURRENCY: 'auto' }, { wrapper: group.wrapper })
    assert.equal(await answer(app), 'one')
    const { processes, pid } = await app.status()
    assert.equal(processes.length, 1)
    for (const name of ['two', 'one', 'two']) {
      app.release(name)
      await app.reload()
    }
    assert.equal(await answer(app), 'two')
    assert.equal((await app.status()).pid, pid)
    t.diagnostic(`at most ${Math.round(group.peak / 1_024 ** 2)} MB`)
  },
)

async function canLimitMemory(): Promise<boolean> {
  await using group = MemoryGroup.make(memory)
  return group !== undefined
}
