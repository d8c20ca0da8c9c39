import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { test } from 'node:test'
import { processesWith, startOf } from '../../src/backup/litestream/process-record.ts'
import { Child } from '../helpers/child.ts'
import { litestreams, replicatedApp, type ReplicatedApp } from '../helpers/litestream.ts'
import { isAlive } from '../helpers/processes.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

const lines = ['0.3', '0.5'] as const
const statusOf = (app: ReplicatedApp) => app.litestream.status()
const lagOf = (app: ReplicatedApp) => statusOf(app).databases[0]!.replicas[0]!.lag

for (const line of lines) {
  const { path: binary, isMissing: skip } = litestreams[line]
  const options = { skip, timeout: 120_000 }

  test(
    `a Litestream ${line} that is killed comes back, and nobody else checkpoints meanwhile`,
    options,
    async () => {
      using target = temporaryFolder()
      const told: string[] = []
      await using app = await replicatedApp(
        { binary, replicas: [{ type: 'folder', path: target.file('replica') }] },
        {},
        {
          begins: async () => void told.push('begins'),
          pauses: async () => void told.push('pauses'),
          ends: async () => void told.push('ends'),
        },
      )
      await app.litestream.start()
      await waitUntil('it runs', () => lagOf(app) === 0, 30_000)
      const { pid } = statusOf(app)
      told.length = 0
      process.kill(pid!, 'SIGKILL')
      await waitUntil('its end is noticed', () => statusOf(app).problem?.kind === 'down')
      await app.write(10)
      await waitUntil('it is back', () => statusOf(app).pid !== undefined, 30_000)
      await app.write(10)
      await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
      const { restarts, problem } = statusOf(app)
      assert.deepEqual([restarts, problem], [1, undefined])
      assert.deepEqual(told, ['pauses', 'begins'])
      await app.litestream.stop()
      assert.deepEqual(told, ['pauses', 'begins', 'ends'])
      assert.equal(await app.restoredRows(), 20)
    },
  )

  test(`a second one on the same data is refused, and the first goes on (${line})`, options, async () => {
    using target = temporaryFolder()
    const settings = { binary, replicas: [{ type: 'folder' as const, path: target.file('replica') }] }
    await using app = await replicatedApp(settings)
    await app.litestream.start()
    await waitUntil('it runs', () => lagOf(app) === 0, 30_000)
    const { pid } = statusOf(app)
    await using second = Child.start('litestream-process', { folder: app.folder.path, settings })
    const { problem } = await second.next<{ problem: { kind: string; message: string } }>()
    assert.match(
      problem.message,
      new RegExp(`Another process holds the backup in .*; its Litestream is process ${pid}`),
    )
    await app.write(10)
    await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
    assert.equal(statusOf(app).pid, pid)
    assert.equal(await app.restoredRows(), 10)
  })

  test(`it ends soon after its parent was killed (${line})`, options, async () => {
    using target = temporaryFolder()
    await using app = await replicatedApp({})
    const settings = { binary, replicas: [{ type: 'folder', path: target.file('replica') }] }
    const parent = Child.start('litestream-process', { folder: app.folder.path, settings })
    const { pid } = await parent.next<{ pid: number }>()
    await parent.kill()
    // It notices at its next line, which a write brings.
    await waitUntil(
      'it has ended',
      async () => {
        await app.write(1)
        return !isAlive(pid)
      },
      30_000,
    )
  })

  test(`one that outlived its parent is ended before another one starts (${line})`, options, async () => {
    using target = temporaryFolder()
    await using app = await replicatedApp({
      binary,
      replicas: [{ type: 'folder', path: target.file('replica') }],
    })
    await app.litestream.start()
    await waitUntil('it runs', () => lagOf(app) === 0, 30_000)
    await app.litestream.stop()
    const config = app.folder.file('.backup/litestream.yml')
    const orphan = spawn(binary, ['replicate', '-config', config], { stdio: 'ignore' })
    const ended = once(orphan, 'exit')
    await once(orphan, 'spawn')
    const record = { pid: orphan.pid, startedAt: await startOf(orphan.pid!), version: '0' }
    writeFileSync(app.folder.file('.backup/litestream.json'), JSON.stringify(record))
    await app.litestream.start()
    await ended
    await waitUntil('the new one runs', () => statusOf(app).pid !== undefined, 30_000)
    assert.notEqual(statusOf(app).pid, orphan.pid)
    await app.write(10)
    await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
    assert.equal(await app.restoredRows(), 10)
  })

  test(`one that cannot be written down does not go on unknown (${line})`, options, async () => {
    using target = temporaryFolder()
    await using app = await replicatedApp({
      binary,
      replicas: [{ type: 'folder', path: target.file('replica') }],
    })
    // As on a full disk.
    const obstacle = app.folder.file('.backup/litestream.json.new')
    mkdirSync(obstacle, { recursive: true })
    const config = app.folder.file('.backup/litestream.yml')
    await app.litestream.start()
    let most = 0
    await waitUntil(
      'it was tried twice',
      async () => {
        most = Math.max(most, (await processesWith(config)).length)
        return (
          app.logger.lines.filter(({ message }) => /No backup is made: .*EISDIR/.test(message)).length >= 2
        )
      },
      30_000,
    )
    assert.deepEqual([statusOf(app).problem?.kind, most <= 1], ['down', true])
    rmdirSync(obstacle)
    await waitUntil('it runs', () => lagOf(app) === 0, 30_000)
    assert.equal((await processesWith(config)).length, process.platform === 'linux' ? 1 : 0)
    await app.write(5)
    await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
    assert.equal(await app.restoredRows(), 5)
  })

  test(`a database that is replaced ends the replication for good (${line})`, options, async () => {
    using target = temporaryFolder()
    await using app = await replicatedApp({
      binary,
      replicas: [{ type: 'folder', path: target.file('replica') }],
    })
    await app.litestream.start()
    await app.write(10)
    await waitUntil('everything is replicated', () => lagOf(app) === 0, 30_000)
    const { pid } = statusOf(app)
    const path = app.folder.file('app.sqlite3')
    copyFileSync(path, app.folder.file('other.sqlite3'))
    renameSync(app.folder.file('other.sqlite3'), path)
    await waitUntil('it is noticed', () => statusOf(app).state === 'replaced')
    await waitUntil('it has ended', () => !isAlive(pid!))
    await waitUntil('it is a problem', () => statusOf(app).problem !== undefined)
    assert.match(statusOf(app).problem!.message, /was replaced while it was replicated/)
    assert.equal(await app.restoredRows(), 10)
  })
}

test(
  'a Litestream that is missing is a problem with a cure, and is found when it comes',
  { skip: litestreams['0.3'].isMissing, timeout: 120_000 },
  async () => {
    using target = temporaryFolder()
    const binary = target.file('litestream')
    await using app = await replicatedApp({
      binary,
      replicas: [{ type: 'folder', path: target.file('replica') }],
    })
    await app.litestream.start()
    await waitUntil('the problem', () => statusOf(app).problem !== undefined)
    assert.match(
      statusOf(app).problem!.message,
      /Expected a program at .*litestream.*`handcar backup install`/,
    )
    await app.write(5)
    copyFileSync(litestreams['0.3'].path, binary)
    chmodSync(binary, 0o755)
    await waitUntil('it runs', () => lagOf(app) === 0, 30_000)
    assert.equal(await app.restoredRows(), 5)
  },
)

test('a program of another version is refused, whatever it would do', { timeout: 60_000 }, async () => {
  using target = temporaryFolder()
  const binary = target.file('litestream')
  writeFileSync(binary, `#!/bin/sh\necho "$@" >> ${target.file('asked')}\necho v0.4.2\n`, { mode: 0o755 })
  await using app = await replicatedApp({
    binary,
    replicas: [{ type: 'folder', path: target.file('replica') }],
  })
  await app.litestream.start()
  await waitUntil('the problem', () => statusOf(app).problem !== undefined)
  assert.match(statusOf(app).problem!.message, /Expected Litestream 0\.5 or 0\.3, got v0\.4\.2/)
  assert.deepEqual(
    new Set(readFileSync(target.file('asked'), 'utf8').trim().split('\n')),
    new Set(['version']),
  )
})

test('three ends within a minute are an alarm', { timeout: 60_000 }, async () => {
  using target = temporaryFolder()
  const binary = target.file('litestream')
  writeFileSync(binary, '#!/bin/sh\n[ "$1" = version ] && echo v0.5.16 && exit\nexit 3\n', { mode: 0o755 })
  await using app = await replicatedApp({
    binary,
    replicas: [{ type: 'folder', path: target.file('replica') }],
  })
  await app.litestream.start()
  await waitUntil('the alarm', () => statusOf(app).problem?.kind === 'crash-loop', 30_000)
  assert.match(statusOf(app).problem!.message, /keeps ending: Litestream has ended with exit code 3/)
})

test(
  'several replicas go with 0.3; 0.5, which can only have one, is not started with them',
  { skip: litestreams['0.3'].isMissing || litestreams['0.5'].isMissing, timeout: 60_000 },
  async () => {
    using target = temporaryFolder()
    const replicas = ['one', 'two'].map((name) => ({
      type: 'folder' as const,
      name,
      path: target.file(name),
    }))
    {
      await using app = await replicatedApp({ binary: litestreams['0.3'].path, replicas })
      await app.litestream.start()
      await app.write(3)
      const lags = () => statusOf(app).databases[0]!.replicas.map(({ lag }) => lag)
      await waitUntil('both have everything', () => lags().every((lag) => lag === 0), 30_000)
      assert.ok(existsSync(target.file('one/app')) && existsSync(target.file('two/app')))
    }
    await using app = await replicatedApp({ binary: litestreams['0.5'].path, replicas })
    await app.litestream.start()
    await waitUntil('the problem', () => statusOf(app).problem !== undefined)
    assert.match(statusOf(app).problem!.message, /one replica, and there are 2: "one", "two"/)
  },
)
