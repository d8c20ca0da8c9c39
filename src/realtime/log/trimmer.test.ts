import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { FollowedLog, realtimeDatabase } from '../../../test/helpers/realtime.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { Database } from '../../database/index.ts'
import { FakeClock } from '../../testing/index.ts'
import { unchecked } from '../channels/channel-types.ts'
import { Channels } from '../channels/channels.ts'
import { defineChannel } from '../channels/define-channel.ts'
import { readRetention } from '../channels/retention.ts'
import { Slices } from './slices.ts'
import { foldTrimmed, mostTrimmed } from './trim-leftovers.ts'
import { Trimmer } from './trimmer.ts'

const messages = { posted: unchecked<unknown>() }
const channels = new Channels([
  defineChannel({ name: 'room/:id', messages, public: true, retention: { count: 10, age: false } }),
  defineChannel({ name: 'state/:id', messages, public: true, replay: 'latest' }),
  defineChannel({ name: 'large/:id', messages, public: true, retention: { bytes: 1_000 } }),
])
const day = 86_400_000

interface Trimmed extends AsyncDisposable {
  clock: FakeClock
  followed: FollowedLog
  trimmer: Trimmer
  publish: (channel: string, count: number, data?: string) => Promise<void>
  /** How many messages there are, by channel. */
  counts: () => Record<string, number>
}

function trimmerOf(database: Database): Trimmed {
  const clock = new FakeClock()
  const followed = new FollowedLog(database, { clock })
  const { feed, log, logger } = followed
  const trimmer = new Trimmer({ database, feed, channels, retention: readRetention({}, ''), clock, logger })
  const publish = async (channel: string, count: number, data = '1') => {
    await database.write(() => {
      for (let each = 0; each < count; each++) void log.publish(channel, 'posted', data)
    })
    await waitUntil('the feed has it', () => feed.position === log.position().offset)
  }
  const counts = () =>
    Object.fromEntries(
      database
        .all<{ channel: string; count: number }>(
          'select channel, count(*) as count from handcar_messages group by channel',
        )
        .map(({ channel, count }) => [channel, count]),
    )
  const end = async () => {
    await trimmer.stop()
    followed[Symbol.dispose]()
  }
  return { clock, followed, trimmer, publish, counts, [Symbol.asyncDispose]: end }
}

test('what is too many, too old or too large goes, the oldest first, and it is remembered', async () => {
  await using database = await realtimeDatabase()
  await using trimmed = trimmerOf(database)
  const { log } = trimmed.followed
  await trimmed.publish('room/1', 25)
  await trimmed.publish('room/2', 5)
  await trimmed.publish('other', 5)
  await trimmed.publish('large/1', 15, `"${'ä'.repeat(49)}"`)
  await trimmed.publish('state/1', 3)
  trimmed.clock.advance(day + 1)
  await trimmed.publish('other', 2)
  assert.deepEqual(await trimmed.trimmer.trim(), { messages: 15 + 5 + 15 + 2, channels: 4 })
  assert.deepEqual(trimmed.counts(), { 'room/1': 10, 'room/2': 5, other: 2, 'state/1': 1 })
  const { epoch } = log
  assert.equal(log.checkResume('room/1', { epoch, offset: 14 }), 'gap')
  assert.equal(log.checkResume('room/1', { epoch, offset: 15 }), 'ok')
  assert.equal(log.checkResume('room/2', { epoch, offset: 0 }), 'ok')
  assert.deepEqual(await trimmed.trimmer.trim(), { messages: 0, channels: 0 })
})

test('bytes: as many of the latest stay as fit', async () => {
  await using database = await realtimeDatabase()
  await using trimmed = trimmerOf(database)
  await trimmed.publish('large/1', 15, `"${'ä'.repeat(49)}"`)
  await trimmed.publish('room/1', 1)
  await trimmed.trimmer.trim()
  assert.deepEqual(trimmed.counts(), { 'large/1': 10, 'room/1': 1 })
})

test('the message with the highest offset stays, and the next one is received', async () => {
  await using database = await realtimeDatabase()
  await using trimmed = trimmerOf(database)
  await trimmed.publish('other', 5)
  trimmed.clock.advance(2 * day)
  await trimmed.trimmer.trim()
  assert.deepEqual(trimmed.counts(), { other: 1 })
  const writes = database.writesQueued
  await trimmed.trimmer.trim()
  assert.equal(database.writesQueued, writes, 'nothing is written for it')
  await trimmed.publish('other', 1)
  assert.equal(trimmed.followed.offsets.at(-1), 6)
  await trimmed.trimmer.trim()
  assert.deepEqual(trimmed.counts(), { other: 1 })
})

test('one process does it, by a timer, counts once, and another one when it has ended', async () => {
  await using database = await realtimeDatabase()
  await using one = trimmerOf(database)
  await using other = trimmerOf(database)
  one.trimmer.start()
  other.trimmer.start()
  await one.publish('room/1', 30)
  one.clock.advance(100_000)
  await waitUntil('it is trimmed', () => one.trimmer.stats().trimmed === 20)
  assert.ok(existsSync(`${database.path}.trimmer`))
  other.clock.advance(100_000)
  assert.deepEqual([one.trimmer.stats().isActive, other.trimmer.stats().isActive], [true, false])
  await one.publish('room/1', 7)
  await waitUntil('its timer is set', () => one.clock.nextTimer !== undefined)
  one.clock.advance(100_000)
  await waitUntil('it is trimmed', () => one.trimmer.stats().trimmed === 27)
  await one.trimmer.stop()
  await other.publish('room/1', 4)
  await waitUntil('its timer is set', () => other.clock.nextTimer !== undefined)
  other.clock.advance(100_000)
  await waitUntil('the other one trims', () => other.trimmer.stats().trimmed === 4)
  assert.deepEqual(other.counts(), { 'room/1': 10 })
})

test('messages that somebody else has deleted do not count', async () => {
  await using database = await realtimeDatabase()
  await using trimmed = trimmerOf(database)
  trimmed.trimmer.start()
  await trimmed.publish('room/1', 10)
  trimmed.clock.advance(100_000)
  await waitUntil('it has counted', () => trimmed.trimmer.stats().channels === 1)
  await database.run('delete from handcar_messages where offset <= 8')
  await trimmed.publish('room/1', 5)
  await trimmed.trimmer.trim()
  assert.deepEqual(trimmed.counts(), { 'room/1': 7 })
})

test('messages that come while a channel is counted anew are counted once', async () => {
  await using database = await realtimeDatabase()
  await using trimmed = trimmerOf(database)
  trimmed.trimmer.start()
  await trimmed.publish('room/1', 10)
  trimmed.clock.advance(100_000)
  await waitUntil('it has counted', () => trimmed.trimmer.stats().channels === 1)
  await database.run('delete from handcar_messages where offset <= 4')
  await trimmed.publish('room/1', 5)
  const { feed, log } = trimmed.followed
  const resume = feed.pause()
  // These the feed has not read when the channel is counted.
  await database.write(() => {
    for (let each = 0; each < 6; each++) void log.publish('room/1', 'posted', '1')
  })
  await trimmed.trimmer.trim()
  resume()
  await waitUntil('the feed has it', () => feed.position === log.position().offset)
  await trimmed.trimmer.trim()
  assert.deepEqual(trimmed.counts(), { 'room/1': 10 })
})

test('what was trimmed long ago, or of too many channels, is folded into the floor', async () => {
  await using database = await realtimeDatabase()
  await database.run(`
    insert into handcar_trimmed (channel, offset, trimmed_at)
    with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${mostTrimmed + 1_200})
    select 'channel/' || n, n, case when n <= 1_500 then 0 else ${40 * day} end from numbers`)
  const slices = new Slices(database, new AbortController().signal)
  while (await foldTrimmed(database, slices, 50 * day));
  assert.deepEqual(database.get('select floor from handcar_realtime_state'), { floor: 1_500 })
  assert.deepEqual(database.get('select count(*) as n, min(offset) as first from handcar_trimmed'), {
    n: mostTrimmed - 300,
    first: 1_501,
  })
})

test('receipts of messages are forgotten after a day', async () => {
  await using database = await realtimeDatabase()
  await using trimmed = trimmerOf(database)
  const now = trimmed.clock.now()
  await database.run('insert into handcar_realtime_receipts (key, at) values (?, ?), (?, ?)', [
    'old',
    now - day - 1,
    'young',
    now - day,
  ])
  await trimmed.trimmer.trim()
  assert.deepEqual(database.all('select key from handcar_realtime_receipts'), [{ key: 'young' }])
})
