import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Child } from '../helpers/child.ts'
import type { LoadReport } from '../helpers/load-process.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { ProductionApp } from './app.ts'

/** Each acknowledged write of the load has enqueued a job in its transaction; a job says when it begins and when it ends. */
const files = {
  'db/migrations/20260102000000_runs.sql':
    'create table runs (key text not null, release text not null, what text not null) strict;',
  'src/jobs.js': `
    import { readFileSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    import { defineJob } from 'handcar/jobs'
    const release = readFileSync('release', 'utf8')
    export const work = defineJob({
      name: 'work',
      async perform(key, job) {
        const write = (what) => job.database.run('insert into runs values (?, ?, ?)', [key, release, what])
        await write('begun')
        await sleep(20 + 60 * Math.random())
        await write('done')
      },
    })`,
  'src/app.js': `
    import { readFileSync } from 'node:fs'
    import { work } from './jobs.js'
    const release = readFileSync('release', 'utf8')
    export default ({ database, jobs }) => ({
      async fetch(request) {
        const [, folder, key] = new URL(request.url).pathname.split('/')
        if (folder !== 'entries') return new Response(release)
        await database.write((tx) => {
          tx.run('insert into entries (key) values (?)', [key])
          return jobs.enqueue(work, key)
        })
        return new Response('written')
      },
    })`,
}

for (const [where, jobs] of [
  ['web processes', '0'],
  ['processes of their own', '2'],
] as const) {
  test(
    `reloads and a new supervisor under load: of the jobs in ${where} none is lost, and none runs twice`,
    { timeout: 240_000 },
    async (t) => {
      await using app = new ProductionApp({ JOBS_CONCURRENCY: jobs }, { files })
      await using client = Child.start('load-process', { url: await app.address(), loops: 6 })
      assert.equal(await client.next(), 'running')
      for (let reload = 1; reload <= 8; reload++) {
        app.release(reload % 2 === 0 ? 'one' : 'two')
        await app.reload()
      }
      const { pid } = await app.upgrade()
      await waitUntil('the new supervisor is in office', async () => {
        const status = await app.status().catch(() => undefined)
        return status?.pid === pid && status.state === 'running'
      })
      const { failures, acknowledged } = await client.ask<LoadReport>({})
      assert.deepEqual(failures, [])
      await waitUntil(
        'every job has ended',
        async () =>
          (await app.rows("select 1 from handcar_jobs where state <> 'completed' limit 1")).length === 0,
        60_000,
      )
      const runs = await app.rows<{ key: string; begun: number; done: number }>(`
        select key, sum(what = 'begun') as begun, sum(what = 'done') as done from runs group by key`)
      const done = new Set(runs.map(({ key }) => key))
      t.diagnostic(JSON.stringify({ acknowledged: acknowledged.length, jobs: runs.length }))
      assert.ok(acknowledged.length > 100)
      assert.deepEqual(
        acknowledged.filter((key) => !done.has(key)),
        [],
      )
      assert.deepEqual(
        runs.filter((run) => run.begun !== 1 || run.done !== 1),
        [],
      )
      const releases = await app.rows<{ release: string }>(
        'select distinct release from runs order by release',
      )
      assert.deepEqual(
        releases.map(({ release }) => release),
        ['one', 'two'],
      )
      const errors = await app.rows('select * from handcar_job_errors')
      assert.deepEqual(errors, [])
    },
  )
}

test('a release that does not boot performs no job', { timeout: 60_000 }, async () => {
  await using app = new ProductionApp({ JOBS_CONCURRENCY: '1' }, { files })
  const address = await app.address()
  app.release('broken', {
    'src/app.js': 'await new Promise((resolve) => setTimeout(resolve, 500)); throw new Error("no")',
  })
  const reload = assert.rejects(() => app.reload(), /no/)
  const over = new AbortController()
  void reload.catch(() => {}).finally(() => over.abort())
  let enqueued = 0
  while (!over.signal.aborted) {
    await fetch(`${address}/entries/${++enqueued}`)
  }
  await reload
  await waitUntil('every job has ended', async () => {
    const [row] = await app.rows<{ count: number }>("select count(*) as count from runs where what = 'done'")
    return row!.count === enqueued
  })
  const releases = await app.rows('select distinct release from runs')
  assert.deepEqual(releases, [{ release: 'one' }])
})
