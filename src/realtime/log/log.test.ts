import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../testing/index.ts'
import { FollowedLog, realtimeDatabase } from '../../../test/helpers/realtime.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { Log } from './log.ts'

const clock = new FakeClock(1_000_000)

test('what is published is in the log, in order, with offsets that grow', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  assert.deepEqual(log.position().offset, 0)
  assert.match(log.epoch, /^[0-9a-f]{16}$/)
  const offsets = await Promise.all([
    log.publish('room/1', 'posted', '{"id":1}'),
    log.publish('room/2', 'posted', '{"id":2}'),
    log.publish('room/1', 'edited', 'null'),
  ])
  assert.deepEqual(offsets, [1, 2, 3])
  assert.equal(log.position().offset, 3)
  assert.deepEqual(log.after('room/1', 0, 10), [
    { offset: 1, channel: 'room/1', type: 'posted', data: '{"id":1}', createdAt: 1_000_000 },
    { offset: 3, channel: 'room/1', type: 'edited', data: 'null', createdAt: 1_000_000 },
  ])
  assert.deepEqual(
    log.after('room/1', 1, 10).map(({ offset }) => offset),
    [3],
  )
  assert.deepEqual(
    log.before('room/1', 4, 1).map(({ offset }) => offset),
    [3],
  )
  assert.equal(log.last('room/2')?.offset, 2)
  assert.equal(log.last('room/3'), undefined)
})

test('the messages of one turn are one write', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  const before = database.writesQueued
  await Promise.all(Array.from({ length: 200 }, (_, index) => log.publish('room/1', 'posted', `${index}`)))
  assert.equal(database.writesQueued - before, 1)
  assert.equal(log.position().offset, 200)
})

test('inside a transaction a message is part of it, with all that it sees', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  const failed = database.write(async () => {
    await log.publish('room/1', 'posted', '1')
    assert.equal(log.position().offset, 1)
    throw new Error('no')
  })
  await assert.rejects(failed, /no/)
  assert.equal(log.position().offset, 0)
  await database.write(async () => {
    await log.publish('room/1', 'kept', '1')
    await database
      .write(async () => {
        await log.publish('room/1', 'taken back with its savepoint', '1')
        throw new Error('no')
      })
      .catch(() => {})
  })
  assert.deepEqual(
    log.after('room/1', 0, 10).map(({ type }) => type),
    ['kept'],
  )
})

test('a position in a read is that of its snapshot', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  await log.publish('room/1', 'posted', '1')
  database.read(() => {
    assert.equal(log.position().offset, 1)
    assert.equal(log.after('room/1', 0, 10).length, 1)
  })
})

test('a position can be resumed unless epoch, retention or the end of the log forbid it', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  for (let count = 0; count < 5; count++) await log.publish('room/1', 'posted', '1')
  const { epoch } = log
  assert.equal(log.checkResume('room/1', { epoch, offset: 0 }), 'ok')
  assert.equal(log.checkResume('room/1', { epoch, offset: 5 }), 'ok')
  assert.equal(log.checkResume('room/1', { epoch, offset: 6 }), 'gap', 'beyond the end')
  assert.equal(log.checkResume('room/1', { epoch: 'other', offset: 5 }), 'gap', 'another epoch')
  await database.run("insert into handcar_trimmed values ('room/1', 2, 0)")
  assert.equal(log.checkResume('room/1', { epoch, offset: 1 }), 'gap', 'trimmed')
  assert.equal(log.checkResume('room/1', { epoch, offset: 2 }), 'ok', 'all after it is there')
  assert.equal(log.checkResume('room/2', { epoch, offset: 1 }), 'ok', 'of another channel')
  await database.run('update handcar_realtime_state set floor = 4')
  assert.equal(log.checkResume('room/2', { epoch, offset: 3 }), 'gap', 'below the floor')
  assert.equal(log.checkResume('room/2', { epoch, offset: 4 }), 'ok')
})

test('a new epoch is begun once by all who saw the same old one', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  const old = log.epoch
  await log.newEpoch(old)
  const first = log.epoch
  assert.notEqual(first, old)
  await log.newEpoch(old)
  assert.equal(log.epoch, first)
  await log.newEpoch()
  assert.notEqual(log.epoch, first)
})

test('a stranger publishes with plain SQL', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  await database.run("insert into handcar_messages (channel, type) values ('room/1', 'posted')")
  const [message] = log.after('room/1', 0, 1)
  assert.equal(message?.data, 'null')
  assert.ok(Math.abs(message.createdAt - Date.now()) < 60_000)
})

test('what is no JSON does not get into the log, and takes no other message with it', async () => {
  await using database = await realtimeDatabase()
  using followed = new FollowedLog(database)
  const insert = `insert into handcar_messages (channel, type, data) values ('room/1', 'posted', 'no JSON')`
  await assert.rejects(() => database.run(insert), /CHECK constraint/)
  const deep = `${'['.repeat(2_000)}${']'.repeat(2_000)}`
  const [first, second, third] = await Promise.allSettled([
    followed.log.publish('room/1', 'posted', '1'),
    followed.log.publish('room/1', 'posted', deep),
    followed.log.publish('room/1', 'posted', '3'),
  ])
  assert.deepEqual([first.status, second.status, third.status], ['fulfilled', 'rejected', 'fulfilled'])
  await waitUntil('the others are received', () => followed.received.length === 2)
})

test('after a start of the machine no offset is given that may have been read before a power cut', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  await log.open()
  for (let count = 0; count < 5; count++) await log.publish('room/1', 'posted', '1')
  const seen = log.position()
  await log.open()
  assert.deepEqual(log.position(), seen, 'the same machine still runs')
  // The last two were not on the disk.
  await database.run('delete from handcar_messages where offset > 3')
  await database.run("update handcar_realtime_state set boot = 'before'")
  await log.open()
  await log.open()
  assert.equal(log.epoch, seen.epoch)
  const offset = await log.publish('room/1', 'posted', '1')
  assert.equal(offset, 10_000_004)
  assert.equal(log.checkResume('room/1', seen), 'ok')
  assert.deepEqual(
    log.after('room/1', seen.offset, 10).map((message) => message.offset),
    [offset],
  )
})

test('a copied file has an epoch of its own', async () => {
  await using database = await realtimeDatabase()
  const log = new Log({ database, clock })
  await log.open()
  const { epoch } = log
  await database.run("update handcar_realtime_state set file = 'another'")
  await log.open()
  assert.notEqual(log.epoch, epoch)
})
