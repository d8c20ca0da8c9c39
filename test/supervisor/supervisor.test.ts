import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorOf } from '../helpers/errors.ts'
import { isAlive } from '../helpers/processes.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Tree } from './tree.ts'

const text = async (url: string): Promise<string> =>
  (await fetch(url, { headers: { connection: 'close' } })).text()

test('it serves from every process, tells its tree, and stops cleanly', async () => {
  await using tree = new Tree()
  const address = await tree.address()
  const answers = new Set<string>()
  await waitUntil('both processes answered', async () => answers.add(await text(address)).size === 2)
  const { processes, state, waiting } = await tree.status()
  assert.deepEqual([state, waiting], ['running', 0])
  assert.deepEqual(
    processes.map(({ name, state, restarts }) => [name, state, restarts]),
    [
      ['web.1', 'ready', 0],
      ['web.2', 'ready', 0],
    ],
  )
  const asked = (await (await fetch(`${address}/tree`)).json()) as { pid: number }
  assert.equal(asked.pid, tree.process.pid)
  assert.equal(readFileSync(join(tree.runFolder, 'handcar.pid'), 'utf8'), `${tree.process.pid}\n`)
  tree.process.kill('SIGTERM')
  assert.equal(await tree.ended(), 0)
  assert.deepEqual(
    processes.map(({ pid }) => isAlive(pid!)),
    [false, false],
  )
  assert.equal(existsSync(join(tree.runFolder, 'handcar.pid')), false)
})

test('a second supervisor on the same folder refuses; a stale pid file stops nobody', async () => {
  await using first = new Tree()
  await first.address()
  await using second = new Tree({ runFolder: first.runFolder })
  const { code, message } = await second.line(/^failed$/)
  assert.equal(code, 'HANDCAR_ALREADY_RUNNING')
  assert.match(String(message), new RegExp(`as process ${first.process.pid}`))
  first.process.kill('SIGKILL')
  await first.ended()
  assert.ok(existsSync(join(first.runFolder, 'handcar.pid')))
  await using third = new Tree({ runFolder: first.runFolder })
  assert.match(await text(await third.address()), /^first web/)
})

test('a process that dies is started again', async () => {
  await using tree = new Tree()
  await tree.address()
  const [victim] = (await tree.status()).processes
  process.kill(victim!.pid!, 'SIGKILL')
  await waitUntil('it is back', async () => {
    const again = (await tree.status()).processes.find(({ name }) => name === victim!.name)!
    return again.state === 'ready' && again.pid !== victim!.pid && again.restarts === 1
  })
  assert.match(
    String((await tree.line(/ended with SIGKILL/)).message),
    /web\.1 ended with SIGKILL; it is started again/,
  )
})

test('what cannot start fails the start with its own words', async () => {
  await using tree = new Tree({}, { 'crash-at-boot': '' })
  const { code, message } = await tree.line(/^failed$/)
  assert.equal(code, 'HANDCAR_BOOT_FAILED')
  assert.match(String(message), /this release is broken/)
  assert.equal(await tree.ended(), 1)
})

test('what does not get ready in time fails the start', async () => {
  await using tree = new Tree({ options: { bootTimeout: 1_500 } }, { 'hang-at-boot': '' })
  assert.equal((await tree.line(/^failed$/))['code'], 'HANDCAR_BOOT_TIMEOUT')
})

test('a crash loop is reported once, the others serve on, and it ends when the cause is gone', async () => {
  await using tree = new Tree({ options: { restartDelay: 300 } })
  const address = await tree.address()
  writeFileSync(tree.file('first', 'crash-at-boot'), '')
  const [victim] = (await tree.status()).processes
  process.kill(victim!.pid!, 'SIGKILL')
  const { output } = await tree.line(/crash loop/)
  assert.match(String(output), /this release is broken/)
  for (let request = 0; request < 20; request++) assert.match(await text(address), /^first web\.2/)
  rmSync(tree.file('first', 'crash-at-boot'))
  await waitUntil('it is back', async () =>
    (await tree.status()).processes.every(({ state }) => state === 'ready'),
  )
  assert.equal(tree.lines.filter(({ message }) => /crash loop/.test(message ?? '')).length, 1)
})

test('a reload serves the new release; one that fails leaves the old one running', async () => {
  await using tree = new Tree()
  const address = await tree.address()
  tree.release('second')
  const report = await tree.control<{ drained: { wasKilled: boolean }[] }>('reload')
  assert.deepEqual(
    report.drained.map(({ wasKilled }) => wasKilled),
    [false, false],
  )
  assert.match(await text(address), /^second web/)
  tree.release('third', { 'crash-at-boot': '' })
  const error = await errorOf(() => tree.control('reload'))
  assert.equal(error.code, 'HANDCAR_BOOT_FAILED')
  assert.match(error.message, /this release is broken/)
  tree.release('unprepared')
  assert.match((await errorOf(() => tree.control('reload'))).message, /a migration failed/)
  const { processes } = await tree.status()
  assert.deepEqual(
    processes.map(({ state, restarts }) => [state, restarts]),
    [
      ['ready', 0],
      ['ready', 0],
    ],
  )
  assert.match(await text(address), /^second web/)
  tree.release('fourth')
  tree.process.kill('SIGHUP')
  await waitUntil('the fourth release answers', async () => (await text(address)).startsWith('fourth'))
})

test('reloads that are asked for together are done in turn, and more than two share one', async () => {
  await using tree = new Tree({ count: 1 })
  await tree.address()
  await Promise.all(Array.from({ length: 6 }, () => tree.control('reload')))
  const reloads = tree.lines.filter(({ message }) => message === 'Reloaded').length
  assert.ok(reloads >= 1 && reloads <= 3, `${reloads} reloads`)
})

test('a new supervisor takes over the socket, the lock and the traffic', async () => {
  await using tree = new Tree()
  const address = await tree.address()
  tree.release('second')
  const { pid } = await tree.control<{ pid: number }>('upgrade')
  assert.equal(await tree.ended(), 0)
  assert.notEqual(pid, tree.process.pid)
  assert.match(await text(address), /^second web/)
  await waitUntil(
    'it has the seat',
    () => readFileSync(join(tree.runFolder, 'handcar.pid'), 'utf8') === `${pid}\n`,
  )
  assert.equal((await tree.status()).pid, pid)
  await tree.control('stop')
  await waitUntil('it is gone', () => !isAlive(pid))
})

test('a new supervisor that cannot start leaves the old one in place', async () => {
  await using tree = new Tree()
  const address = await tree.address()
  tree.release('second', { 'crash-at-boot': '' })
  const error = await errorOf(() => tree.control('upgrade'))
  assert.equal(error.code, 'HANDCAR_BOOT_FAILED')
  const status = await tree.status()
  assert.deepEqual([status.pid, status.state], [tree.process.pid, 'running'])
  assert.match(await text(address), /^first web/)
})

test('when the supervisor is killed its processes end within two seconds, also one that stands still', async () => {
  await using tree = new Tree({ options: { heartbeatInterval: 50, blockedAfter: 200 } })
  const address = await tree.address()
  const pids = (await tree.status()).processes.map(({ pid }) => pid!)
  fetch(`${address}/block?ms=20000`).catch(() => {})
  await waitUntil('one stands still', async () =>
    (await tree.status()).processes.some(({ blocked }) => blocked),
  )
  tree.process.kill('SIGKILL')
  await tree.ended()
  await waitUntil('all are gone', () => !pids.some(isAlive), 2_500)
  await using next = new Tree({ runFolder: tree.runFolder, port: Number(new URL(address).port) })
  assert.equal(await next.address(), address)
})

test('a process that stands still is named with what it does; it loses at most the request that did it', async () => {
  const options = { heartbeatInterval: 100, blockedAfter: 300, blockedTimeout: 60_000 }
  await using tree = new Tree({ options })
  const address = await tree.address()
  const blocked = fetch(`${address}/block?ms=3000`)
  const { stack, message } = await tree.line(/stands still/)
  assert.match(String(message), /busy in .*\(.*web-process\.ts:\d+:\d+\)/)
  assert.ok((stack as string[]).length > 1)
  assert.equal(await (await blocked).text(), 'blocked')
  await tree.line(/goes on/)
  assert.doesNotMatch(tree.errors, /Debugger/)
})

test('a process that stands still for too long is killed and started again', async () => {
  const options = { heartbeatInterval: 100, blockedAfter: 200, blockedTimeout: 1_000 }
  await using tree = new Tree({ options })
  const address = await tree.address()
  await errorOf(() => fetch(`${address}/block?ms=60000`))
  await tree.line(/stood still for too long/)
  await waitUntil('it is back', async () =>
    (await tree.status()).processes.every(({ state }) => state === 'ready'),
  )
})

test('a process that uses too much memory is replaced before it drains', async () => {
  const maxRss = 200 * 1_024 ** 2
  await using tree = new Tree({ count: 1, maxRss, options: { heartbeatInterval: 100 } })
  const address = await tree.address()
  const [{ pid } = { pid: 0 }] = (await tree.status()).processes
  await text(`${address}/leak?bytes=${maxRss}`)
  await tree.line(/uses more memory than maxRss/)
  await waitUntil('a new process serves', async () => Number((await text(address)).split(' ')[2]) !== pid)
  await waitUntil('the old one is gone', () => !isAlive(pid!))
})

test('programs are kept running and end with the tree', async () => {
  const programs = [{ name: 'sleeper', command: 'sleep', args: ['1000'] }]
  await using tree = new Tree({ count: 1, options: { programs } })
  await tree.address()
  const pidOf = async () => (await tree.status()).programs[0]!.pid
  const first = await pidOf()
  process.kill(first!, 'SIGKILL')
  await waitUntil('it was started again', async () => ![undefined, first].includes(await pidOf()))
  const second = (await pidOf())!
  tree.process.kill('SIGKILL')
  await waitUntil('it ended', () => !isAlive(second), 3_000)
})

test('a program that does not exist is reported and disturbs nobody', async () => {
  const programs = [{ name: 'nobody', command: '/does/not/exist' }]
  await using tree = new Tree({ count: 1, options: { programs } })
  assert.match(await text(await tree.address()), /^first/)
  await tree.line(/nobody ended with .*ENOENT/)
})

test('a taken port is named with its holder', async () => {
  await using first = new Tree({ count: 1 })
  const address = await first.address()
  await using second = new Tree({ port: Number(new URL(address).port) })
  const { code, message } = await second.line(/^failed$/)
  assert.equal(code, 'HANDCAR_PORT_IN_USE')
  assert.match(String(message), new RegExp(`process ${first.process.pid} `))
})
