import assert from 'node:assert/strict'
import { copyFileSync, renameSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../src/core/index.ts'
import type { Database } from '../../src/database/index.ts'
import { Channels } from '../../src/realtime/channels/channels.ts'
import type { StoredMessage } from '../../src/realtime/log/message.ts'
import { Trimmer } from '../../src/realtime/log/trimmer.ts'
import { Child } from '../helpers/child.ts'
import { FollowedLog, realtimeDatabase } from '../helpers/realtime.ts'
import type { RealtimeOrder } from '../helpers/realtime-process.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

const open = (path: string): Promise<Database> => realtimeDatabase({ path, durability: 'os' })

async function startChild(path: string, name: string): Promise<Child> {
  const child = Child.start('realtime-process', { path, name })
  await child.next()
  return child
}

const ask = <Answer>(child: Child, order: RealtimeOrder): Promise<Answer> => child.ask<Answer>(order)

/** What the table has. */
const table = (database: Database, after = 0): StoredMessage[] =>
  database.all<StoredMessage>(
    'select offset, channel, type, data, created_at as createdAt from handcar_messages where offset > ? order by offset',
    [after],
  )

test(
  '3 processes publish, one is killed: each feed has what the table has, in order',
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = await open(path)
    using here = new FollowedLog(database)
    await using first = await startChild(path, 'first')
    await using second = await startChild(path, 'second')
    const rounds = isSoak ? 20 : 3
    for (let round = 0; round < rounds; round++) {
      await using victim = await startChild(path, 'victim')
      const seenBefore = here.received.length
      const doomed = ask(victim, { type: 'publish', count: 1_000_000 }).catch(() => {})
      const working = Promise.all([
        ask(first, { type: 'publish', count: 1_000 }),
        ask(second, { type: 'publish', count: 1_000 }),
      ])
      await waitUntil('the victim has published', () =>
        here.received.slice(seenBefore).some(({ type }) => type === 'victim'),
      )
      await victim.kill()
      await Promise.all([working, doomed])
    }
    const last = await here.log.publish('room/0', 'the end', 'null')
    const expected = table(database)
    assert.equal(expected.at(-1)!.offset, last)
    assert.ok(!expected.some(({ type }) => type === 'rolled back'))
    await waitUntil('the feed here is at the end', () => here.feed.position === last)
    assert.deepEqual(here.received, expected)
    for (const child of [first, second]) {
      const received = await ask<StoredMessage[]>(child, { type: 'receive', until: last })
      assert.deepEqual(received, expected.slice(expected.length - received.length))
      assert.ok(received.length >= rounds * 2_000)
    }
  },
)

test(
  'killed between commit and signal: the others receive it all the same',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    await using database = await open(path)
    using here = new FollowedLog(database)
    await using witness = await startChild(path, 'witness')
    for (let round = 1; round <= (isSoak ? 30 : 3); round++) {
      await using child = await startChild(path, `child ${round}`)
      await assert.rejects(ask(child, { type: 'die' }))
      assert.equal(await child.ended(), 'SIGKILL')
      await waitUntil('it is received', () => here.received.length === round)
      assert.deepEqual(here.received.at(-1)!.type, `child ${round}`)
    }
    const received = await ask<StoredMessage[]>(witness, { type: 'receive', until: here.feed.position })
    assert.deepEqual(received, table(database))
  },
)

test('killed between commit and signal: whoever starts next has it', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using child = await startChild(path, 'child')
  await assert.rejects(ask(child, { type: 'die' }))
  await using database = await open(path)
  using here = new FollowedLog(database)
  assert.equal(here.log.checkResume('room/1', { epoch: here.log.epoch, offset: 0 }), 'ok')
  assert.deepEqual(
    here.feed.after('room/1', 0, 10).map(({ data }) => data),
    ['"last words"'],
  )
})

test(
  'render, then subscribe, while another process writes at full speed: no gap, nothing twice',
  { timeout: 240_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.sqlite3')
    const random = new Random()
    await using database = await open(path)
    await database.run('create table totals (total integer)')
    await database.run('insert into totals values (0)')
    using here = new FollowedLog(database)
    await using child = await startChild(path, 'child')
    await ask(child, { type: 'add' })
    const render = () =>
      database.read(() => ({
        total: database.get<{ total: number }>('select total from totals')!.total,
        position: here.log.position(),
      }))
    const subscribeLater = async () => {
      const { total, position } = render()
      if (random.chance(0.5)) await turn()
      else await sleep(random.between(0, 20))
      assert.equal(here.log.checkResume('total', position), 'ok')
      const seen = here.feed.after('total', position.offset, 1_000_000)
      const totals = seen.map(({ data }) => Number(data))
      let reached = seen.at(-1)?.offset ?? position.offset
      const { promise, resolve } = Promise.withResolvers<void>()
      const off = here.feed.onMessages((messages) => {
        for (const { offset, data } of messages) {
          // The page may have been rendered from a state that the feed had not reached.
          if (offset <= reached) continue
          reached = offset
          totals.push(Number(data))
        }
        if (totals.length > 0) resolve()
      })
      await promise
      off()
      assert.deepEqual(
        totals,
        totals.map((_, index) => total + 1 + index),
        `seed ${random.seed}`,
      )
    }
    const rounds = isSoak ? 10_000 : 2_000
    for (let round = 0; round < rounds; round += 50)
      await Promise.all(Array.from({ length: 50 }, subscribeLater))
  },
)

test('retention under replay: all of it, or a gap', { timeout: 120_000 }, async (context) => {
  using folder = temporaryFolder()
  const random = new Random()
  const path = folder.file('app.sqlite3')
  await using database = await open(path)
  await database.run('create table totals (total integer)')
  await database.run('insert into totals values (0)')
  using here = new FollowedLog(database)
  const { feed, log, logger } = here
  const retention = { age: Infinity, count: 200, bytes: Infinity }
  const trimmer = new Trimmer({
    database,
    feed,
    channels: new Channels([]),
    retention,
    clock: systemClock,
    logger,
  })
  await using child = await startChild(path, 'child')
  await ask(child, { type: 'add' })
  const { epoch } = log
  const results = { ok: 0, gap: 0 }
  const rounds = isSoak ? 300 : 30
  // How many come too late is a matter of speed; that some do, and some do not, is what the test is about.
  const hasMetBoth = (): boolean => results.ok > 0 && results.gap > 0
  for (let round = 0; round < rounds || !hasMetBoth(); round++) {
    await waitUntil('more was published', () => here.received.length > (round + 1) * 100)
    const trimming = trimmer.trim()
    for (let attempt = 0; attempt < 20; attempt++) {
      const from = random.pick(here.received.slice(-600))
      database.read(() => {
        const result = log.checkResume('total', { epoch, offset: from.offset })
        results[result] += 1
        if (result === 'gap') return
        const totals = log.after('total', from.offset, 1_000_000).map(({ data }) => Number(data))
        assert.deepEqual(
          totals,
          totals.map((_, index) => Number(from.data) + 1 + index),
          `seed ${random.seed}`,
        )
      })
      await turn()
    }
    await trimming
  }
  context.diagnostic(JSON.stringify(results))
})

test('killed while it deletes: what is gone is remembered, exactly', { timeout: 120_000 }, async () => {
  using folder = temporaryFolder()
  const random = new Random()
  const path = folder.file('app.sqlite3')
  await using database = await open(path)
  await database.run('create table totals (total integer)')
  await database.run('insert into totals values (0)')
  using here = new FollowedLog(database)
  await using writer = await startChild(path, 'writer')
  await ask(writer, { type: 'add' })
  for (let round = 0; round < (isSoak ? 50 : 3); round++) {
    await using victim = await startChild(path, 'victim')
    const before = gone(database).trimmed
    await ask(victim, { type: 'trim' })
    await waitUntil('it has deleted', () => gone(database).trimmed > before)
    await sleep(random.between(0, 30))
    await victim.kill()
    const { trimmed, rows } = database.read(() => ({ ...gone(database), rows: table(database) }))
    const totals = rows.map(({ data }) => Number(data))
    assert.deepEqual(
      totals,
      totals.map((_, index) => totals[0]! + index),
    )
    const last = here.received.find(({ offset }) => offset === trimmed)
    assert.equal(Number(last?.data), totals[0]! - 1, `seed ${random.seed}`)
  }
})

/** Up to where something is gone. */
const gone = (database: Database) =>
  database.get<{ trimmed: number }>(
    "select offset as trimmed from handcar_trimmed where channel = 'total'",
  ) ?? {
    trimmed: 0,
  }

test('an older file is restored: the epoch changes, positions of before are gaps', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const runOnce = async <Result>(work: (followed: FollowedLog) => Promise<Result>): Promise<Result> => {
    await using database = await open(path)
    using followed = new FollowedLog(database)
    await followed.log.open()
    return await work(followed)
  }
  const publish = (count: number) =>
    runOnce(async ({ log }) => {
      for (let each = 0; each < count; each++) await log.publish('room/1', 'posted', `${each}`)
      return log.position()
    })
  const early = await publish(5)
  assert.deepEqual(await publish(0), early, 'a restart changes nothing')
  copyFileSync(path, folder.file('backup'))
  const late = await publish(5)
  assert.equal(late.epoch, early.epoch)
  for (const end of ['-wal', '-shm', '.wake']) rmSync(`${path}${end}`, { force: true })
  renameSync(folder.file('backup'), path)
  await publish(20)
  await runOnce(async ({ log }) => {
    assert.notEqual(log.epoch, early.epoch)
    assert.equal(log.checkResume('room/1', late), 'gap')
    assert.equal(log.checkResume('room/1', early), 'gap')
    assert.equal(log.checkResume('room/1', { epoch: log.epoch, offset: 7 }), 'ok')
  })
})
