import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { doctorContext } from '../../../test/helpers/doctor-context.ts'
import { temporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { socketPath } from '../../core/index.ts'
import { backlog, judgeBacklog } from './backlog.ts'
import { clock, judgeClock } from './clock.ts'
import { descriptors, judgeLimits } from './descriptors.ts'
import type { Finding } from './finding.ts'
import { leftovers } from './leftovers.ts'
import { fieldOf, judgeMemory, memory } from './memory.ts'
import { judgeNode, nodeVersion } from './node-version.ts'
import { port } from './port.ts'
import { sqliteCommand } from './sqlite-command.ts'
import { sqliteVersion } from './sqlite-library.ts'
import { judgeSwap, swap } from './swap.ts'
import { compareVersions, versionIn } from './version.ts'

const megabyte = 1_024 ** 2
const statuses = (findings: Finding[]): string[] => findings.map(({ status }) => status)

test('versions are compared by their numbers', () => {
  assert.ok(compareVersions('24.9.0', '24.12') < 0)
  assert.ok(compareVersions('v25', '24.12.1') > 0)
  assert.equal(compareVersions('24.12', '24.12.0'), 0)
  assert.equal(versionIn('3.40.1 2022-12-28 14:03:47 df5c'), '3.40.1')
  assert.equal(versionIn('none'), undefined)
})

test('Node: too old for handcar or for the app, odd, fine', async () => {
  assert.match(judgeNode('22.9.0', '24.12')[0]!.what, /handcar needs 24\.12 or newer/)
  assert.match(judgeNode('24.12.0', '24.12', '24.20')[0]!.what, /the app needs 24\.20/)
  assert.deepEqual(statuses(judgeNode('25.1.0', '24.12')), ['warning'])
  assert.deepEqual(statuses(judgeNode('24.21.0', '24.12', '22')), ['ok'])
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  for (const text of ['{"engines":{"node":">=99"}}', '{}', 'not json']) {
    writeFileSync(folder.file('package.json'), text)
    const expected = text.includes('99') ? 'error' : 'ok'
    assert.deepEqual(statuses(await nodeVersion.run(context)), [expected], text)
  }
})

test('SQLite is the one of better-sqlite3; an old sqlite3 on the PATH is warned of', async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  assert.deepEqual(statuses(await sqliteVersion.run(context)), ['ok'])
  for (const [version, status] of [
    ['3.40.1 2022-12-28', 'warning'],
    ['3.51.3 2026-01-01', 'ok'],
    ['', 'ok'],
  ]) {
    writeFileSync(folder.file('sqlite3'), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 })
    const environment = { PATH: `${folder.path}:/bin:/usr/bin` }
    assert.deepEqual(statuses(await sqliteCommand.run({ ...context, environment })), [status], version)
  }
  assert.deepEqual(
    statuses(await sqliteCommand.run({ ...context, environment: { PATH: folder.file('none') } })),
    ['ok'],
  )
})

test('memory, swap, descriptors and backlog are judged by their numbers', () => {
  assert.deepEqual(statuses(judgeMemory(100 * megabyte, 2)), ['warning'])
  assert.deepEqual(statuses(judgeMemory(120 * megabyte, 2)), ['ok'])
  assert.deepEqual(statuses(judgeSwap(1_024 * megabyte, 0, 0)), ['warning'])
  assert.deepEqual(statuses(judgeSwap(8_192 * megabyte, 0, 0)), ['ok'])
  assert.deepEqual(statuses(judgeSwap(1_024 * megabyte, 1_000 * megabyte, 600 * megabyte)), ['warning'])
  assert.equal(fieldOf('MemTotal:       16 kB\nSwapTotal: 8 kB\n', 'SwapTotal'), 8_192)
  assert.equal(fieldOf(undefined, 'SwapTotal'), undefined)
  const limits = (soft: string): string =>
    `Limit   Soft Limit\nMax open files            ${soft}   1048576   files\n`
  assert.deepEqual(statuses(judgeLimits(limits('1024'), 'it')), ['warning'])
  assert.deepEqual(statuses(judgeLimits(limits('65536'), 'it')), ['ok'])
  assert.deepEqual(statuses(judgeLimits(limits('unlimited'), 'it')), ['ok'])
  assert.deepEqual(statuses(judgeBacklog(128)), ['warning'])
  assert.deepEqual(statuses(judgeBacklog(4_096)), ['ok'])
})

test(
  'the checks of the machine find something to say on Linux',
  { skip: process.platform !== 'linux' },
  async () => {
    using folder = temporaryFolder()
    using context = doctorContext(folder)
    for (const check of [memory, swap, descriptors, backlog, clock])
      assert.equal((await check.run(context)).length, 1, check.name)
  },
)

test('a clock that is behind its files is wrong', async () => {
  const now = Date.UTC(2026, 10, 20)
  assert.deepEqual(statuses(judgeClock(now, now + 3_600_000, true)), ['error'])
  assert.deepEqual(statuses(judgeClock(now, now + 1_000, undefined)), ['ok'])
  assert.deepEqual(statuses(judgeClock(now, now - 1, false)), ['warning'])
  using folder = temporaryFolder()
  using context = doctorContext(folder, { migrationsFolder: folder.path })
  writeFileSync(folder.file('data/app.sqlite3'), '')
  const tomorrow = Date.now() / 1_000 + 24 * 3_600
  utimesSync(folder.file('data/app.sqlite3'), tomorrow, tomorrow)
  assert.deepEqual(statuses(await clock.run(context)), ['error'])
  utimesSync(folder.file('data/app.sqlite3'), 1, 1)
  assert.equal(statuses(await clock.run(context)).includes('error'), false)
  writeFileSync(folder.file(`${new Date().getUTCFullYear() + 1}0101000000_create_posts.sql`), '')
  assert.deepEqual(statuses(await clock.run(context)), ['error'])
})

test('a port that is taken is an error that names who has it', async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: taken } = server.address() as { port: number }
  const listen = { host: '127.0.0.1', port: taken }
  const [finding] = await port.run({ ...context, listen })
  assert.equal(finding!.status, 'error')
  assert.match(finding!.what, new RegExp(`${taken} is taken by process ${process.pid}`))
  server.close()
  await once(server, 'close')
  assert.deepEqual(statuses(await port.run({ ...context, listen })), ['ok'])
  const [elsewhere] = await port.run({ ...context, listen: { host: '192.0.2.1', port: taken } })
  assert.match(elsewhere!.what, /cannot listen on 192\.0\.2\.1.*EADDRNOTAVAIL/)
})

test('what a killed supervisor left behind is found, and removed by its fix', async () => {
  using folder = temporaryFolder()
  using context = doctorContext(folder)
  const socket = folder.file('data/handcar.socket')
  const relay = socketPath(`${context.databasePath}.relay`)
  const listen = (path: string, then: string) =>
    `require('net').createServer().listen(${JSON.stringify(path)}, () => ${then})`
  const child = spawn(process.execPath, ['-e', listen(relay, listen(socket, "console.log('up')"))])
  await once(child.stdout, 'data')
  writeFileSync(folder.file('data/handcar.pid'), `${child.pid}\n`)
  assert.deepEqual(statuses(await leftovers.run(context)), ['ok'], 'it is alive')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const findings = await leftovers.run(context)
  assert.deepEqual(statuses(findings), ['warning', 'warning', 'warning'])
  for (const { canFix } of findings) await canFix!()
  assert.equal(existsSync(socket) || existsSync(relay) || existsSync(folder.file('data/handcar.pid')), false)
  assert.deepEqual(statuses(await leftovers.run(context)), ['ok'])
})
