import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FollowedLog, realtimeDatabase } from '../../../test/helpers/realtime.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

test('a feed begins at the end of the log and delivers everything after it, in order, in slices', async () => {
  await using database = await realtimeDatabase()
  using before = new FollowedLog(database)
  for (let count = 0; count < 10; count++) await before.log.publish('old', 'posted', '1')
  using followed = new FollowedLog(database)
  assert.equal(followed.feed.position, 10)
  let turns = 0
  let isDone = false
  const count = () => {
    turns += 1
    if (!isDone) setImmediate(count)
  }
  count()
  await database.write(() => {
    for (let count = 0; count < 5_000; count++)
      void followed.log.publish(`room/${count % 100}`, 'posted', '1')
  })
  await waitUntil('everything is delivered', () => followed.received.length >= 5_000)
  isDone = true
  assert.deepEqual(followed.offsets, range(11, 5_010))
  assert.ok(followed.slices.length >= 10 && turns >= followed.slices.length, 'others have their turn')
  assert.equal(followed.feed.position, 5_010)
})

test('nothing is delivered before its commit, nor what is rolled back', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  await database
    .write(() => {
      void followed.log.publish('room/1', 'no', '1')
      throw new Error('no')
    })
    .catch(() => {})
  await followed.log.publish('room/1', 'yes', '1')
  await waitUntil('it is delivered', () => followed.received.length > 0)
  assert.deepEqual(
    followed.received.map(({ type }) => type),
    ['yes'],
  )
})

test('a message that was inserted with SQL, without a word, is found too', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  await database.run("insert into handcar_messages (channel, type) values ('room/1', 'posted')")
  await waitUntil('it is delivered', () => followed.received.length === 1)
})

test('a listener that throws loses nothing for itself nor for others', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  let calls = 0
  followed.feed.onMessages(() => {
    calls += 1
    throw new Error('mine')
  })
  for (let count = 0; count < 3; count++) {
    await followed.log.publish('room/1', 'posted', '1')
    await waitUntil('it is delivered', () => followed.received.length === count + 1)
  }
  assert.equal(calls, 3)
  assert.equal(followed.logger.lines.length, 3)
})

test('an error does not end the feed: it is shown, and tried again', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  await database.run('alter table handcar_messages rename to elsewhere')
  await waitUntil('it fails', () => followed.feed.stats().failures > 1)
  assert.match(followed.feed.stats().failing!, /handcar_messages/)
  await database.run('alter table elsewhere rename to handcar_messages')
  await followed.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => followed.received.length === 1)
  assert.equal(followed.feed.stats().failing, undefined)
  assert.equal(followed.logger.lines.length, followed.feed.stats().failures)
})

test('the latest messages are in memory, also those of before the start, and the rest is read from the log', async () => {
  await using database = await realtimeDatabase()
  using before = new FollowedLog(database)
  for (let count = 0; count < 600; count++) void before.log.publish(`room/${count % 2}`, 'posted', '12345')
  await before.log.publish('room/0', 'last', '1')
  using followed = new FollowedLog(database)
  using small = new FollowedLog(database, { memory: 20_000 })
  assert.deepEqual(followed.feed.stats().recent.messages, 601)
  assert.equal(followed.feed.stats().recent.since, 0)
  assert.ok(small.feed.stats().recent.messages < 100)
  for (const { feed } of [followed, small]) {
    assert.deepEqual(
      feed.after('room/0', 3, 3).map(({ offset }) => offset),
      [5, 7, 9],
    )
    assert.equal(feed.after('room/1', 0, 1_000).length, 300)
    assert.deepEqual(
      feed.after('room/0', 599, 10).map(({ type }) => type),
      ['last'],
    )
  }
})

test('what was not delivered yet is not in the past', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  followed.feed.stop()
  await followed.log.publish('room/1', 'posted', '1')
  assert.deepEqual(followed.feed.after('room/1', 0, 10), [])
  assert.deepEqual(followed.feed.after('room/1', -1, 10), [])
})

test('the log has gone back: a new epoch begins, once for all, and what follows is delivered', async () => {
  await using database = await realtimeDatabase()
  using one = new FollowedLog(database)
  using other = new FollowedLog(database)
  const epochs: string[] = []
  for (const { feed } of [one, other]) feed.onEpoch(({ epoch, offset }) => epochs.push(`${epoch}.${offset}`))
  for (let count = 0; count < 5; count++) await one.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => one.received.length === 5 && other.received.length === 5)
  const old = one.log.epoch
  await database.write((tx) => {
    tx.run('delete from handcar_messages where offset > 2')
    tx.touch('handcar.realtime')
  })
  await waitUntil('both know', () => epochs.length === 2)
  assert.notEqual(one.log.epoch, old)
  assert.deepEqual(epochs, [`${one.log.epoch}.2`, `${one.log.epoch}.2`])
  await one.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => other.received.length === 6)
  assert.equal(other.offsets.at(-1), 3)
})

test('the log was replaced by one that is longer: it is noticed by the message at the position', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  await followed.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => followed.received.length === 1)
  const { epoch } = followed.feed
  await database.write((tx) => {
    tx.run('delete from handcar_messages')
    for (let count = 0; count < 3; count++)
      tx.run("insert into handcar_messages (channel, type) values ('room/2', 'posted')")
    tx.touch('handcar.realtime')
  })
  await waitUntil('it is noticed', () => followed.feed.epoch !== epoch)
  assert.equal(followed.feed.position, 3)
})

test('retention was faster than the feed: it says of which channels', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  const lost: unknown[] = []
  followed.feed.onLost((channels) => lost.push([followed.feed.position, channels]))
  await followed.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => followed.received.length === 1)
  await database.write((tx) => {
    for (let count = 0; count < 4; count++) void followed.log.publish(`room/${count}`, 'posted', '1')
    tx.run('delete from handcar_messages where offset = 4')
    tx.run("insert into handcar_trimmed values ('room/2', 4, 0), ('room/9', 1, 0)")
  })
  await waitUntil('the rest is delivered', () => followed.received.length === 4)
  assert.deepEqual(lost, [[1, ['room/2']]])
  assert.deepEqual(followed.offsets, [1, 2, 3, 5])
})

test('a new epoch of a log that has not gone back skips nothing', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  const epochs: number[] = []
  followed.feed.onEpoch(({ offset }) => epochs.push(offset))
  await followed.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => followed.received.length === 1)
  await database.write(async () => {
    await followed.log.publish('handcar.control', 'reauthorize', '{}')
    await followed.log.newEpoch()
  })
  await waitUntil('the rest is delivered', () => followed.received.length === 2)
  assert.deepEqual(epochs, [1])
  assert.deepEqual(followed.offsets, [1, 2])
  assert.equal(followed.feed.epoch, followed.log.epoch)
})

test('where nobody knows any more of which channels something is lost, it may be of all', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  const lost: unknown[] = []
  followed.feed.onLost((channels) => lost.push(channels))
  await followed.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => followed.received.length === 1)
  await database.write((tx) => {
    for (let count = 0; count < 4; count++) void followed.log.publish('room/1', 'posted', '1')
    tx.run('delete from handcar_messages where offset = 3')
    tx.run('update handcar_realtime_state set floor = 3')
  })
  await waitUntil('the rest is delivered', () => followed.received.length === 4)
  assert.deepEqual(lost, [['handcar.control']])
})

test('a feed that is stopped delivers nothing, and one that is started again begins at the end', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  followed.feed.stop()
  await followed.log.publish('room/1', 'posted', '1')
  followed.feed.start()
  await followed.log.publish('room/1', 'posted', '1')
  await waitUntil('it is delivered', () => followed.received.length > 0)
  assert.deepEqual(followed.offsets, [2])
})
