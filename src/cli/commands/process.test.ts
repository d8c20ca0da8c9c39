import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { appFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand } from '../../../test/helpers/command-line.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { TreeStatus } from '../../supervisor/index.ts'

/** `start`, `status`, `reload`, `stop`: the commands about the process tree. */

const get = async (address: string): Promise<string> => (await fetch(address)).text()

test('start serves; status, reload and stop talk to it', async () => {
  using folder = appFolder()
  const at = { folder: folder.path }
  await using app = new RunningCommand(['start', '--port', '0', '--processes', '2'], at)
  const address = await app.address()
  assert.equal(await get(address), 'hello')

  const table = (await handcar(['status'], at)).output
  assert.match(table, new RegExp(`running at ${address}\nrelease ${folder.path} \\(1\\.2\\.3\\)`))
  assert.match(table, /^supervisor +\d+ +running/m)
  assert.match(table, /^web\.1 +\d+ +ready/m)
  assert.match(table, /^web\.2 +\d+ +ready/m)
  assert.match(table, /^.*app\.sqlite3 +\d+/m)
  const status = JSON.parse((await handcar(['status', '--json'], at)).output) as TreeStatus
  assert.equal(status.pid, app.pid)
  assert.equal(status.processes.length, 2)

  await using watching = new RunningCommand(['status', '--watch'], at)
  await watching.wrote(/^handcar .*[^]*^handcar .*/m)

  folder.write('src/app.js', "export default { fetch: () => new Response('new') }")
  const reload = await handcar(['reload'], at)
  assert.equal(reload.code, 0, reload.errors)
  assert.match(reload.output, /preparing the release\n[^]*Reloaded in .*s\.\n$/)
  assert.equal(await get(address), 'new')

  folder.write('src/app.js', "throw new Error('not this one')")
  const failed = await handcar(['reload'], at)
  assert.equal(failed.code, 1)
  assert.match(failed.errors, /not this one/)
  assert.equal(await get(address), 'new')

  const stop = await handcar(['stop'], at)
  assert.equal(stop.code, 0, stop.errors)
  assert.match(stop.output, /Stopped in .*s\.\n$/)
  assert.equal(await app.ended(), 0)
  await assert.rejects(get(address))
})

test('SIGTERM stops what start began', async () => {
  using folder = appFolder()
  await using app = new RunningCommand(['start', '--port', '0', '--processes', '1'], { folder: folder.path })
  await app.address()
  app.signal('SIGTERM')
  assert.equal(await app.ended(), 0)
})

test('reload --supervisor replaces the supervisor too', async () => {
  using folder = appFolder()
  const at = { folder: folder.path }
  await using app = new RunningCommand(['start', '--port', '0', '--processes', '1'], at)
  const address = await app.address()
  const upgrade = await handcar(['reload', '--supervisor'], at)
  try {
    assert.equal(upgrade.code, 0, upgrade.errors)
    assert.equal(await get(address), 'hello')
    const { pid } = JSON.parse((await handcar(['status', '--json'], at)).output) as TreeStatus
    assert.notEqual(pid, app.pid)
    await waitUntil('the first supervisor has ended', () => app.hasEnded)
  } finally {
    await handcar(['stop'], at)
  }
})

for (const words of [['status'], ['reload'], ['reload', '--supervisor'], ['stop']]) {
  test(`${words.join(' ')} without anything that runs`, async () => {
    using folder = appFolder()
    const { code, output, errors } = await handcar(words, { folder: folder.path })
    assert.equal(code, 1)
    assert.equal(output, '')
    assert.match(
      errors,
      /^error: No supervisor runs in .*\nfix: .*handcar start.*\ncode: +HANDCAR_NOT_RUNNING\n$/,
    )
  })
}

test('stop and status work while the configuration is broken', async () => {
  using folder = appFolder()
  const at = { folder: folder.path }
  await using app = new RunningCommand(['start', '--port', '0', '--processes', '1'], at)
  await app.address()
  folder.write('handcar.config.js', 'export default nonsense')
  const status = await handcar(['status'], at)
  assert.equal(status.code, 0)
  assert.match(status.errors, /configuration cannot be read .*nonsense is not defined.*; looking in .*data/)
  const reload = await handcar(['reload'], at)
  assert.equal(reload.code, 1)
  assert.match(reload.errors, /nonsense is not defined/)
  assert.equal((await handcar(['stop'], at)).code, 0)
  assert.equal(await app.ended(), 0)
})

test('a broken configuration is told when nothing runs', async () => {
  using folder = appFolder({ 'handcar.config.js': 'export default nonsense' })
  const { code, errors } = await handcar(['status'], { folder: folder.path })
  assert.equal(code, 1)
  assert.match(errors, /HANDCAR_CONFIG_FAILED/)
})

for (const name of ['start', 'dev']) {
  test(`${name} tells who holds the port`, async () => {
    using folder = appFolder()
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const { port } = server.address() as AddressInfo
      const { code, errors } = await handcar([name, '--port', String(port)], { folder: folder.path })
      assert.equal(code, 1)
      assert.match(errors, new RegExp(`^error: .*${port}.*\n[^]*code: +HANDCAR_PORT_IN_USE`))
      if (process.platform === 'linux') assert.match(errors, new RegExp(`process ${process.pid} `))
    } finally {
      server.close()
    }
  })
}

test('start fails with the error of the app, and leaves nothing behind', async () => {
  using folder = appFolder({ 'src/app.js': "throw new Error('cannot be')" })
  const at = { folder: folder.path }
  const { code, errors } = await handcar(['start', '--port', '0', '--processes', '1'], at)
  assert.equal(code, 1)
  assert.match(errors, /error: .*cannot be/)
  assert.equal((await handcar(['status'], at)).code, 1)
})

test('the options of start win over the environment, which wins over the configuration', async () => {
  using folder = appFolder({
    'handcar.config.js': 'export default { processes: { web: 3 }, server: { port: 1 } }',
  })
  const environment = { PORT: '2', WEB_CONCURRENCY: '2' }
  const at = { folder: folder.path, environment }
  await using app = new RunningCommand(
    ['start', '--port', '0', '--host', '127.0.0.2', '--processes', '1'],
    at,
  )
  assert.match(await app.address(), /127\.0\.0\.2/)
  const { processes } = JSON.parse((await handcar(['status', '--json'], at)).output) as TreeStatus
  assert.equal(processes.length, 1)
})

test('a second start on the same data folder is refused', async () => {
  using folder = appFolder()
  mkdirSync(folder.file('other'))
  writeFileSync(folder.file('other/app.js'), 'export default { fetch: () => new Response() }')
  await using app = new RunningCommand(['start', '--port', '0', '--processes', '1'], { folder: folder.path })
  const address = await app.address()
  const environment = { HANDCAR_DATA: folder.file('data') }
  const second = await handcar(['start', '--port', '0'], { folder: folder.file('other'), environment })
  assert.equal(second.code, 1)
  assert.match(second.errors, /^error: .*\nfix: .*\ncode: +HANDCAR_/)
  assert.equal(await get(address), 'hello')
})
