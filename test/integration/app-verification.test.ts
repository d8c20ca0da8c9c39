import assert from 'node:assert/strict'
import { existsSync, readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Verification } from '../../src/backup/index.ts'
import { appFolder, type AppFolder } from '../helpers/app-folder.ts'
import { handcar, RunningCommand } from '../helpers/command-line.ts'
import { litestreams } from '../helpers/litestream.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'

/** Writes a row for each request. It has no jobs of its own. */
const app = `export default (handcar) => ({
  async fetch() {
    await handcar.database.run('insert into visits default values')
    return new Response('ok')
  },
})`

function appWith(replica: string, verify: object): AppFolder {
  const backup = { replicas: [{ type: 'folder', path: replica }], verify }
  return appFolder({
    'src/app.js': app,
    'db/migrations/20261120093000_visits.sql': 'create table visits (id integer primary key);',
    'handcar.config.js': `export default { backup: ${JSON.stringify(backup)} }`,
  })
}

const environmentOf = (binary: string) => ({
  PORT: '0',
  WEB_CONCURRENCY: '1',
  HANDCAR_STATUS_TOKEN: 'token',
  HANDCAR_LITESTREAM: binary,
})

interface Status {
  databases: {
    replicas: {
      span?: { from: number; to: number }
      snapshots?: number
      verifications: { last: Verification; lastVerified?: Verification } | null
    }[]
  }[]
  verification: { problem: string | null }
}

for (const line of ['0.3', '0.5'] as const) {
  const { path: binary, isMissing: skip } = litestreams[line]

  test(
    `an app verifies its backup by itself and on demand, and tells when it is wrong (Litestream ${line})`,
    { skip, timeout: 240_000 },
    async () => {
      using target = temporaryFolder()
      using folder = appWith(target.file('replica'), { every: '10s' })
      const options = { folder: folder.path, environment: environmentOf(binary) }
      const statusOf = async () => {
        const { code, output } = await handcar(['backup', 'status', '--json'], options)
        const read = JSON.parse(output) as Status
        return { ...read, code, replica: read.databases[0]!.replicas[0]! }
      }
      const stopped = await handcar(['backup', 'verify'], options)
      assert.notEqual(stopped.code, 0)
      assert.match(stopped.errors, /HANDCAR_NOT_RUNNING/)

      await using running = new RunningCommand(['start'], options)
      const address = await running.address()
      for (let visit = 0; visit < 5; visit++) await fetch(address)
      await waitUntil(
        'its job has verified it',
        async () => (await statusOf()).replica.verifications?.last.verdict === 'verified',
        90_000,
      )
      const { code, replica, verification } = await statusOf()
      assert.deepEqual([code, verification.problem], [0, null])
      assert.ok(replica.span!.from <= replica.span!.to && replica.snapshots! > 0, JSON.stringify(replica))
      const { output: table } = await handcar(['backup', 'status'], options)
      assert.match(table, /can be restored .*verified/)
      const up = async () => {
        const headers = { authorization: 'Bearer token' }
        const response = await fetch(`${address}/up`, { headers })
        const { checks } = (await response.json()) as {
          checks: Record<string, { status: string; message?: string }>
        }
        return checks['backup-verification']!
      }
      assert.equal((await up()).status, 'ok')

      const byHand = await untilFree(() => handcar(['backup', 'verify', '--json'], options))
      assert.equal(byHand.code, 0, byHand.errors)
      const [result] = JSON.parse(byHand.output) as Verification[]
      assert.equal(result!.verdict, 'verified')
      assert.match(byHand.errors, /comparing what was restored with the database/)

      await using killed = new RunningCommand(['backup', 'verify'], options)
      await killed.wrote(/reading .*app\.sqlite3|HANDCAR_VERIFICATION_BUSY/)
      killed.signal('SIGKILL')
      await killed.ended()
      const after = await untilFree(() => handcar(['backup', 'verify'], options))
      assert.equal(after.code, 0, after.errors)
      assert.match(after.output, /^verified .*rows compared/)

      for (const path of filesIn(target.file('replica'))) truncateSync(path, 20)
      await waitUntil(
        'it is found to be wrong',
        async () => {
          await fetch(address)
          const { status, message } = await up()
          return status === 'warning' && /cannot be relied upon/.test(message ?? '')
        },
        150_000,
      )
      const wrong = await statusOf()
      assert.equal(wrong.code, 1)
      assert.match(wrong.verification.problem!, /^The backup in .*replica\/app cannot be relied upon/)
      await waitUntil('handcar status tells of it', async () =>
        /cannot be relied upon/.test((await handcar(['status'], options)).output),
      )
      const doctor = await handcar(['doctor'], options)
      assert.match(doctor.output, /cannot be relied upon/)
      running.signal('SIGTERM')
      assert.equal(await running.ended(), 0)
      assert.equal(existsSync(folder.file('data/.backup/verification')), false)
      assert.deepEqual(
        readdirSync(join(folder.path, 'data/.backup')).filter((name) => name.startsWith('listing-')),
        [],
      )
    },
  )
}

/** The app verifies every few seconds in these tests. */
async function untilFree(run: () => ReturnType<typeof handcar>): ReturnType<typeof handcar> {
  for (;;) {
    const result = await run()
    if (!result.errors.includes('HANDCAR_VERIFICATION_BUSY')) return result
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}
