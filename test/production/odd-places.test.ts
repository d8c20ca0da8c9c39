import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { MemoryGroup } from '../helpers/memory-group.ts'
import { isAlive } from '../helpers/processes.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
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

const hasScript = spawnSync('script', ['--version']).status === 0

test(
  'in a terminal: a hangup reloads, and closing the terminal stops it',
  { skip: !hasScript && 'needs script' },
  async () => {
    // script runs a command in a terminal of its own, which is gone when script is.
    const wrapper = ['sh', '-c', 'exec script --quiet --return --command "exec $*" /dev/null', 'sh']
    await using app = new ProductionApp({}, { wrapper })
    assert.equal(await answer(app), 'one')
    const { pid, processes } = await app.status()
    app.release('two')
    process.kill(pid, 'SIGHUP')
    await waitUntil('the second release serves', async () => (await answer(app)) === 'two')
    app.process.kill('SIGKILL')
    await waitUntil('it has stopped', () => !isAlive(pid))
    assert.ok(processes.every((each) => !isAlive(each.pid!)))
  },
)

const canListen =
  spawnSync('python3', ['--version']).status === 0 && spawnSync('systemd-notify', ['--version']).status === 0

test(
  'systemd is told what it does',
  { skip: !canListen && 'needs systemd-notify, and python3 to stand in for systemd' },
  async () => {
    using folder = temporaryFolder()
    const socket = folder.file('notify')
    const program = `
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print('bound', flush=True)
while True: print(listener.recv(4096).decode().replace(chr(10), ' '), flush=True)`
    const systemd = spawn('python3', ['-c', program, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    let told = ''
    systemd.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
    try {
      await waitUntil('systemd listens', () => told.includes('bound'))
      await using app = new ProductionApp({ NOTIFY_SOCKET: socket })
      await app.address()
      const { pid } = await app.status()
      await waitUntil('it is up', () => new RegExp(`READY=1 MAINPID=${pid} `).test(told))
      await app.reload()
      await waitUntil('it was reloaded', () => /RELOADING=1 MONOTONIC_USEC=\d+[^]*READY=1/.test(told))
      await app.stop()
      await waitUntil('it stops', () => told.includes('STOPPING=1'))
    } finally {
      systemd.kill('SIGKILL')
    }
  },
)
