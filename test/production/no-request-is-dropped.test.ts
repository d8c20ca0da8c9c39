import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Child } from '../helpers/child.ts'
import type { LoadReport } from '../helpers/load-process.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { ProductionApp } from './app.ts'

/**
 * Continuous load, reads and writes, on kept and on new connections, by a client that never tries again, while the app is
 * released, its supervisor is replaced, and its processes are killed.
 */

async function underLoad(app: ProductionApp, work: () => Promise<void>): Promise<LoadReport> {
  await using client = Child.start('load-process', { url: await app.address() })
  assert.equal(await client.next(), 'running')
  await work()
  return await client.ask<LoadReport>({})
}

test(
  '20 reloads in a row from alternating folders fail no request and lose no acknowledged write',
  { timeout: 180_000 },
  async (t) => {
    await using app = new ProductionApp()
    const durations: number[] = []
    const report = await underLoad(app, async () => {
      for (let reload = 1; reload <= 20; reload++) {
        app.release(reload % 2 === 0 ? 'one' : 'two')
        const { served } = await app.reload<{ served: number }>()
        durations.push(served)
      }
    })
    const { requests, failures, acknowledged, longest, p99 } = report
    t.diagnostic(
      JSON.stringify({
        requests,
        acknowledged: acknowledged.length,
        p99,
        longest,
        reload: Math.max(...durations),
      }),
    )
    assert.deepEqual(failures, [])
    assert.deepEqual(report.releases.sort(), ['one', 'two'])
    assert.deepEqual(await app.missing(acknowledged), [])
  },
)

test(
  'replacing the supervisor, three times, fails no request and loses no acknowledged write',
  { timeout: 120_000 },
  async (t) => {
    await using app = new ProductionApp()
    const supervisors = new Set<number>()
    const { requests, failures, acknowledged, longest } = await underLoad(app, async () => {
      for (const name of ['two', 'one', 'two']) {
        app.release(name)
        const { pid } = await app.upgrade()
        supervisors.add(pid)
        await waitUntil('the new supervisor is in office', async () => {
          const status = await app.status().catch(() => undefined)
          return status?.pid === pid && status.state === 'running'
        })
      }
    })
    t.diagnostic(JSON.stringify({ requests, acknowledged: acknowledged.length, longest }))
    assert.equal(supervisors.size, 3)
    assert.deepEqual(failures, [])
    assert.deepEqual(await app.missing(acknowledged), [])
  },
)

test(
  'a process that is killed takes with it only the requests that it was working on',
  { timeout: 120_000 },
  async (t) => {
    await using app = new ProductionApp()
    const kills = 6
    const loops = 12
    const { requests, failures, acknowledged } = await underLoad(app, async () => {
      for (let kill = 0; kill < kills; kill++) {
        const { processes } = await app.status()
        process.kill(processes[kill % processes.length]!.pid!, 'SIGKILL')
        await waitUntil('it is back', async () => {
          const now = (await app.status()).processes
          return (
            now.every(({ state }) => state === 'ready') &&
            now.reduce((sum, { restarts }) => sum + restarts, 0) > kill
          )
        })
      }
    })
    t.diagnostic(
      JSON.stringify({ requests, kills, failed: failures.length, failures: [...new Set(failures)] }),
    )
    assert.ok(failures.length <= kills * loops, `${failures.length} failures`)
    for (const failure of failures) assert.match(failure, /ECONNRESET|EPIPE|cut/)
    assert.deepEqual(await app.missing(acknowledged), [])
  },
)

test(
  'a migration that fails in the middle of a release fails no request and leaves the old release',
  { timeout: 60_000 },
  async () => {
    await using app = new ProductionApp()
    const { failures, releases, acknowledged } = await underLoad(app, async () => {
      app.release('broken', {
        'db/migrations/20260102000000_broken.sql': 'create table fine (a); create table broken (',
      })
      await assert.rejects(() => app.reload(), { code: 'HANDCAR_MIGRATION_FAILED' })
      app.release('throws', { 'src/app.js': 'throw new Error("not today")' })
      await assert.rejects(() => app.reload(), /not today/)
    })
    assert.deepEqual([failures, releases], [[], ['one']])
    assert.deepEqual(await app.missing(acknowledged), [])
  },
)

test('a process that stands still for five seconds fails no request, and the other one serves on', async (t) => {
  await using app = new ProductionApp()
  const address = await app.address()
  const { requests, longest, failures } = await underLoad(app, async () => {
    await fetch(`${address}/block/5000`)
  })
  t.diagnostic(JSON.stringify({ requests, longest }))
  assert.deepEqual(failures, [])
  assert.ok(longest > 4_000, 'nothing waited for it')
  assert.ok(requests > 500, `only ${requests} requests while one of two processes stood still`)
})

test('a process that leaks is replaced and fails no request', async () => {
  const config = `export default { processes: { maxRss: '220mb' } }`
  await using app = new ProductionApp({}, { config })
  const address = await app.address()
  const { failures, acknowledged } = await underLoad(app, async () => {
    await fetch(`${address}/leak/${200 * 1_024 ** 2}`)
    await waitUntil(
      'it was replaced',
      async () => {
        const { processes } = await app.status()
        return processes.some(({ restarts }) => restarts > 0) && processes.length === 2
      },
      30_000,
    )
  })
  assert.deepEqual(failures, [])
  assert.deepEqual(await app.missing(acknowledged), [])
})
