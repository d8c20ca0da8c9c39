import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Database } from '../../src/database/index.ts'
import { Child } from '../helpers/child.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

test('while a stranger holds the lock for a second the loop stays free, reads go on, and the write comes soon after', async () => {
  using folder = temporaryFolder()
  await using database = new Database({ path: folder.file('app.sqlite3') })
  await database.start()
  await database.run('create table t (id integer primary key, pid integer)')
  await using stranger = Child.start('stranger-process', { path: database.path })
  await stranger.next()
  assert.equal(await stranger.ask({ holdFor: 1_000 }), 'held')
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const released = stranger.next().then(() => performance.now())
  const heldAt = performance.now()
  const writes = Array.from({ length: 50 }, (_, pid) => database.run('insert into t (pid) values (?)', [pid]))
  const done = new AbortController()
  const written = Promise.all(writes).then(() => {
    done.abort()
    return performance.now()
  })
  let reads = 0
  let slowestRead = 0
  while (!done.signal.aborted) {
    const startedAt = performance.now()
    database.get('select count(*) from t')
    slowestRead = Math.max(slowestRead, performance.now() - startedAt)
    reads++
    await turn()
  }
  const [releasedAt, writtenAt] = await Promise.all([released, written])
  delay.disable()
  assert.ok(writtenAt - heldAt > 800, 'the write waited for the stranger')
  assert.ok(writtenAt - releasedAt < 50, `${writtenAt - releasedAt} ms after the release`)
  assert.ok(delay.max / 1e6 < 100, `the loop stood still for ${delay.max / 1e6} ms`)
  assert.ok(delay.percentile(50) / 1e6 < 20, `event loop delay p50 ${delay.percentile(50) / 1e6} ms`)
  assert.ok(slowestRead < 50 && reads > 1_000, `${reads} reads, the slowest ${slowestRead} ms`)
  assert.deepEqual(database.get('select count(*) as n from t'), { n: 50 })
})

test('the stranger, too, gets its turn beside a process that writes without a pause', async () => {
  using folder = temporaryFolder()
  await using database = new Database({ path: folder.file('app.sqlite3'), durability: 'os' })
  await database.start()
  await database.run('create table t (id integer primary key, pid integer)')
  await using stranger = Child.start('stranger-process', { path: database.path })
  await stranger.next()
  const stop = new AbortController()
  const writing = (async () => {
    while (!stop.signal.aborted) {
      await database.write((tx) => {
        tx.run('insert into t (pid) values (1)')
        const endAt = performance.now() + 4
        while (performance.now() < endAt);
      })
    }
  })()
  for (let commit = 0; commit < 10; commit++) await stranger.ask({ exec: 'insert into t (pid) values (2)' })
  stop.abort()
  await writing
  assert.deepEqual(database.get('select count(*) as n from t where pid = 2'), { n: 10 })
})
