import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ReplicationStatus } from '../../src/backup/index.ts'
import { appFolder, type AppFolder } from '../helpers/app-folder.ts'
import { handcar, RunningCommand } from '../helpers/command-line.ts'
import { litestreams } from '../helpers/litestream.ts'
import { isAlive } from '../helpers/processes.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** Writes a row for each request. */
const app = `export default (handcar) => ({
  async fetch() {
    await handcar.database.run('insert into visits default values')
    return new Response(String(handcar.database.get('select count(*) as count from visits').count))
  },
})`
const migration = 'create table visits (id integer primary key);'

type Status = ReplicationStatus & { running: boolean }

function appWith(replica: string): AppFolder {
  return appFolder({
    'src/app.js': app,
    'db/migrations/20261120093000_visits.sql': migration,
    'handcar.config.js': `export default { backup: { replicas: [{ type: 'folder', path: ${JSON.stringify(replica)} }] } }`,
  })
}

const environmentOf = (binary: string) => ({
  PORT: '0',
  WEB_CONCURRENCY: '1',
  HANDCAR_STATUS_TOKEN: 'token',
  HANDCAR_LITESTREAM: binary,
  LITESTREAM_SECRET_ACCESS_KEY: 'secret-of-this-test',
})

for (const line of ['0.3', '0.5'] as const) {
  const { path: binary, isMissing: skip } = litestreams[line]

  test(
    `an app is backed up from its start to its end, and serves on when its Litestream ${line} is killed`,
    { skip, timeout: 120_000 },
    async () => {
      using target = temporaryFolder()
      using folder = appWith(target.file('replica'))
      const options = { folder: folder.path, environment: environmentOf(binary) }
      const statusOf = async () => {
        const { code, output } = await handcar(['backup', 'status', '--json'], options)
        return { code, ...(JSON.parse(output) as Status) }
      }
      assert.deepEqual(pick(await statusOf()), {
        code: 1,
        running: false,
        state: 'stopped',
        problem: undefined,
      })

      await using running = new RunningCommand(['start'], options)
      const address = await running.address()
      await fetch(address)
      await waitUntil(
        'everything is replicated',
        async () => (await statusOf()).databases[0]!.replicas[0]!.lag === 0,
        30_000,
      )
      const before = await statusOf()
      assert.deepEqual(pick(before), { code: 0, running: true, state: 'running', problem: undefined })
      assert.equal(before.litestream?.line, line)
      const { output: table } = await handcar(['status'], options)
      assert.match(table, /^backup .*replica\/app: .* behind$/m)

      process.kill(before.pid!, 'SIGKILL')
      assert.equal((await fetch(address)).status, 200)
      const health = { headers: { authorization: 'Bearer token' } }
      await waitUntil('/up tells of it', async () => {
        const { status, checks } = (await (await fetch(`${address}/up`, health)).json()) as {
          status: string
          checks: { backup: { message?: string } }
        }
        return status === 'warning' && /Litestream has ended with SIGKILL/.test(checks.backup.message ?? '')
      })
      assert.equal((await fetch(`${address}/up`)).status, 200)
      await waitUntil('it is back', async () => (await statusOf()).restarts === 1, 30_000)

      const reload = await handcar(['reload'], options)
      assert.equal(reload.code, 0, reload.errors)
      const { pid } = await statusOf()
      assert.ok(pid !== undefined && isAlive(pid))
      assert.equal((await statusOf()).restarts, 1)

      for (let visit = 0; visit < 5; visit++) await fetch(address)
      running.signal('SIGTERM')
      assert.equal(await running.ended(), 0)
      assert.equal(isAlive(pid), false)
      assert.doesNotMatch(running.output, /secret-of-this-test/)
      assert.ok(existsSync(target.file('replica/app')))
    },
  )

  test(
    `a supervisor that is killed takes its Litestream ${line} with it`,
    { skip, timeout: 120_000 },
    async () => {
      using target = temporaryFolder()
      using folder = appWith(target.file('replica'))
      const options = { folder: folder.path, environment: environmentOf(binary) }
      await using running = new RunningCommand(['start'], options)
      await running.address()
      await running.wrote(/makes the backup/)
      const { pid } = JSON.parse(readFileSync(folder.file('data/.backup/litestream.json'), 'utf8')) as {
        pid: number
      }
      running.signal('SIGKILL')
      await running.ended()
      await waitUntil('it has ended', () => !isAlive(pid), 30_000)
      await using again = new RunningCommand(['start'], options)
      await again.address()
      await again.wrote(/makes the backup/)
    },
  )
}

test('without Litestream the app serves, and everybody is told what to do', { timeout: 60_000 }, async () => {
  using target = temporaryFolder()
  using folder = appWith(target.file('replica'))
  const options = { folder: folder.path, environment: environmentOf(target.file('nothing')) }
  await using running = new RunningCommand(['start'], options)
  assert.equal((await fetch(await running.address())).status, 200)
  await running.wrote(/No backup is made: Expected a program at .*nothing/)
  const { code, output } = await handcar(['backup', 'status'], options)
  assert.equal(code, 1)
  assert.match(output, /Expected a program at .*handcar backup install/)
})

test(
  'in development nothing is replicated, and an app without replicas has no backup',
  { timeout: 60_000 },
  async () => {
    using target = temporaryFolder()
    using folder = appWith(target.file('replica'))
    const environment = { NODE_ENV: 'development' }
    const development = await handcar(['backup', 'status'], { folder: folder.path, environment })
    assert.equal(development.code, 1)
    assert.match(development.errors, /only production is backed up/)
    writeFileSync(folder.file('handcar.config.js'), 'export default {}')
    const without = await handcar(['backup', 'status'], { folder: folder.path })
    assert.match(without.errors, /Expected a replica in backup\.replicas, got none/)
  },
)

test('a replica in the data folder would be lost with it', { timeout: 60_000 }, async () => {
  using folder = appFolder({
    'handcar.config.js':
      "export default { backup: { replicas: [{ type: 'folder', path: 'data/replica' }] } }",
  })
  const { code, errors } = await handcar(['config'], { folder: folder.path })
  assert.equal(code, 1)
  assert.match(errors, /expected a folder outside of the data folder/)
})

const pick = ({ code, running, state, problem }: Status & { code: number | null }) => ({
  code,
  running,
  state,
  problem,
})
