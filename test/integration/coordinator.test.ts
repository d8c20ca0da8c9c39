import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Coordinator, Database, type CoordinatorStats, type DatabaseStats } from '../../src/database/index.ts'
import { Child } from '../helpers/child.ts'
import { codeOf } from '../helpers/errors.ts'
import { temporaryFolder, type TemporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import type { WriterAnswer } from '../helpers/writer-process.ts'

/** Makes the database with the table that writer processes write to. */
async function makeTable(folder: TemporaryFolder): Promise<string> {
  await using database = new Database({ path: folder.file('app.sqlite3') })
  await database.start()
  await database.run('create table t (id integer primary key, pid integer)')
  return database.path
}

async function startedCoordinator(path: string): Promise<Child> {
  const coordinator = Child.start('coordinator-process', { options: { path } })
  assert.equal(await coordinator.next(), 'ready')
  return coordinator
}

async function startedWriters(path: string, count: number): Promise<Child[] & AsyncDisposable> {
  const options = {
    path,
    durability: 'os',
    checkpointer: { interval: 5, passiveFrames: 50, restartFrames: 200 },
  }
  const writers = Array.from({ length: count }, () => Child.start('writer-process', { options }))
  await Promise.all(writers.map(async (writer) => assert.equal(await writer.next(), 'ready')))
  return Object.assign(writers, {
    [Symbol.asyncDispose]: async () => void (await Promise.all(writers.map((writer) => writer.kill()))),
  })
}

const writeFor = (writer: Child, duration: number, hold: number): Promise<WriterAnswer> =>
  writer.ask<WriterAnswer>({ writeFor: duration, hold })
const statsOf = (writer: Child): Promise<DatabaseStats> => writer.ask<DatabaseStats>({ ask: 'stats' })
const percentile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!

test('beside a process that writes without a pause, small writes of others come through soon', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using coordinator = await startedCoordinator(path)
  await using writers = await startedWriters(path, 3)
  const [hog, ...others] = writers
  const [hogged, ...small] = await Promise.all([
    writeFor(hog!, 1_500, 5),
    ...others.map((writer) => writeFor(writer, 1_500, 0)),
  ])
  const busy = hogged.latencies
  for (const { latencies } of small) {
    assert.ok(latencies.length > busy.length / 2, `${latencies.length} writes beside ${busy.length}`)
    const [p99, round] = [percentile(latencies, 0.99), percentile(busy, 0.5)]
    assert.ok(p99 < Math.max(100, 15 * round), `p99 ${p99} ms, where a round takes ${round} ms`)
  }
  const { lease } = await coordinator.ask<CoordinatorStats>({ ask: 'stats' })
  assert.equal(lease.clients, 3)
  assert.ok(lease.grants > busy.length)
})

test('processes that all want to write get even shares', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using _coordinator = await startedCoordinator(path)
  await using writers = await startedWriters(path, 4)
  const answers = await Promise.all(writers.map((writer) => writeFor(writer, 1_500, 3)))
  const counts = answers.map(({ latencies }) => latencies.length)
  const mean = counts.reduce((sum, count) => sum + count) / counts.length
  for (const count of counts) assert.ok(Math.abs(count - mean) < mean / 2, String(counts))
})

test('without a coordinator nobody starves either', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using writers = await startedWriters(path, 2)
  const [hog, other] = writers
  const [busy, small] = await Promise.all([writeFor(hog!, 1_500, 5), writeFor(other!, 1_500, 0)])
  assert.ok(small.latencies.length > busy.latencies.length / 10, `${small.latencies.length} writes`)
  assert.ok(Math.max(...small.latencies) < 1_000, `max ${Math.max(...small.latencies)} ms`)
})

test('when the coordinator is killed its clients go on and checkpoint by themselves; when it comes back they find it', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  const coordinator = await startedCoordinator(path)
  await using writers = await startedWriters(path, 2)
  const [writer] = writers
  assert.deepEqual(
    (await Promise.all(writers.map(statsOf))).map(({ coordinated }) => coordinated),
    [true, true],
  )

  const writing = writers.map((each) => writeFor(each, 1_200, 1))
  await coordinator.kill()
  for (const { latencies } of await Promise.all(writing)) {
    assert.ok(latencies.length > 10, `${latencies.length} writes`)
    assert.ok(Math.max(...latencies) < 1_000, `max ${Math.max(...latencies)} ms`)
  }
  assert.ok(existsSync(`${path}.coordinator`), 'the socket of the dead one is still there')
  await writer!.ask({ commits: 600 })
  const alone = await statsOf(writer!)
  assert.equal(alone.coordinated, false)
  await waitUntil('a process checkpoints by itself', async () => {
    await writer!.ask({ commits: 60 })
    return (await Promise.all(writers.map(statsOf))).some(
      ({ checkpointer }) => checkpointer!.passive.count > 0,
    )
  })
  assert.ok((await statsOf(writer!)).wal.frames < 3_000)

  await using _next = await startedCoordinator(path)
  await waitUntil('all have found it', async () =>
    (await Promise.all(writers.map(statsOf))).every(({ coordinated }) => coordinated),
  )
  await writer!.ask({ commits: 10 })
})

test('a holder of the lease that stands still stops nobody', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using coordinator = await startedCoordinator(path)
  await using writers = await startedWriters(path, 2)
  const [still, other] = writers
  await Promise.all(writers.map((writer) => writeFor(writer, 300, 15)))
  await still!.ask({ commits: 1 })
  still!.signal('SIGSTOP')
  const { latencies } = await writeFor(other!, 1_000, 1)
  assert.ok(latencies.length >= 50, `${latencies.length} writes beside it`)
  assert.ok(Math.max(...latencies) < 700)
  still!.signal('SIGCONT')
  await still!.ask({ commits: 5 })
  assert.equal((await coordinator.ask<CoordinatorStats>({ ask: 'stats' })).lease.clients, 2)
})

test('a holder of the lease that is killed passes it on', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using coordinator = await startedCoordinator(path)
  await using writers = await startedWriters(path, 2)
  const [killed, other] = writers
  await Promise.all(writers.map((writer) => writeFor(writer, 300, 15)))
  await killed!.ask({ commits: 1 })
  const before = await coordinator.ask<CoordinatorStats>({ ask: 'stats' })
  assert.ok(before.lease.grants > 2, 'the writing was queued')
  await killed!.kill()
  const { latencies } = await writeFor(other!, 300, 0)
  assert.ok(latencies.length > 5, `${latencies.length} writes`)
  const { lease } = await coordinator.ask<CoordinatorStats>({ ask: 'stats' })
  assert.deepEqual([lease.clients, lease.grants], [1, before.lease.grants + 1])
})

test('a coordinator that stands still keeps nobody from starting, writing and stopping', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using coordinator = await startedCoordinator(path)
  await using before = new Database({ path })
  await before.start()
  coordinator.signal('SIGSTOP')
  const startedAt = performance.now()
  await using after = new Database({ path })
  await after.start()
  for (const database of [before, after]) await database.run('insert into t (pid) values (1)')
  await after.stop()
  await before.stop()
  assert.ok(performance.now() - startedAt < 3_000)
})

test('a coordinator that stands still counts as gone, so that others checkpoint', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using coordinator = await startedCoordinator(path)
  await using writers = await startedWriters(path, 1)
  const [writer] = writers
  await writer!.ask({ commits: 1 })
  coordinator.signal('SIGSTOP')
  await waitUntil('it is gone', async () => !(await statsOf(writer!)).coordinated)
  await waitUntil('the process checkpoints by itself', async () => {
    await writer!.ask({ commits: 60 })
    return (await statsOf(writer!)).checkpointer!.passive.count > 0
  })
  coordinator.signal('SIGCONT')
  await waitUntil('it is back', async () => (await statsOf(writer!)).coordinated)
})

test('a second coordinator is refused, and the first goes on; after it stopped another may start', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  const first = new Coordinator({ path })
  await first.start()
  const second = new Coordinator({ path })
  assert.equal(await codeOf(() => second.start()), 'HANDCAR_COORDINATOR_EXISTS')
  await second.stop()
  await using database = new Database({ path })
  await database.start()
  assert.equal(database.stats().coordinated, true)
  assert.equal(first.stats().lease.clients, 1)
  await first.stop()
  assert.equal(existsSync(`${path}.coordinator`), false)
  await second.start()
  await waitUntil('the database has found it', () => database.stats().coordinated)
  await second.stop()
})

test('a lease costs nothing while nobody waits for long: it is never asked for', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using coordinator = new Coordinator({ path })
  await coordinator.start()
  await using database = new Database({ path, durability: 'os' })
  await database.start()
  for (let write = 0; write < 100; write++) await database.run('insert into t (pid) values (1)')
  assert.equal(coordinator.stats().lease.grants, 0)
})

test('a database that stops while it looks for a coordinator leaves nothing behind', async () => {
  using folder = temporaryFolder()
  const path = await makeTable(folder)
  await using coordinator = await startedCoordinator(path)
  coordinator.signal('SIGSTOP')
  for (let time = 0; time < 3; time++) {
    const database = new Database({ path })
    const start = database.start()
    await sleep(time * 10)
    await Promise.all([start, database.stop()])
  }
})
