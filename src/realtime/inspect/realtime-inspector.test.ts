import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertPlans } from '../../../test/helpers/plans.ts'
import { realtimeDatabase } from '../../../test/helpers/realtime.ts'
import { temporaryDatabase } from '../../testing/index.ts'
import { RealtimeInspector } from './realtime-inspector.ts'
import * as sql from './sql.ts'

const names = (inspector: RealtimeInspector, prefix = '', after = '', limit = 100): string[] =>
  inspector.channels({ prefix, after, limit }).map(({ channel }) => channel)

test('channels are listed by name, a page at a time, whether they have messages or people', async () => {
  await using database = await realtimeDatabase()
  const inspector = new RealtimeInspector(database)
  assert.deepEqual(names(inspector), [])
  await database.write((tx) => {
    for (const channel of ['b/2', 'b/1', 'a', 'c', 'b/1', 'Ä', 'b'])
      tx.run('insert into handcar_messages (channel, type) values (?, ?)', [channel, 'x'])
    for (const [channel, leavesAt] of [
      ['b/3', null],
      ['b/1', null],
      ['b/4', 1],
    ])
      tx.run(
        `insert into handcar_presences (joined_at, leaves_at, channel, user, connection) values (5, ?, ?, 'ann', 'c1')`,
        [leavesAt!, channel!],
      )
  })
  assert.deepEqual(names(inspector), ['a', 'b', 'b/1', 'b/2', 'b/3', 'c', 'Ä'])
  assert.deepEqual(names(inspector, 'b/'), ['b/1', 'b/2', 'b/3'])
  assert.deepEqual(names(inspector, 'b/', 'b/1', 1), ['b/2'])
  assert.deepEqual(names(inspector, '', 'b/2', 2), ['b/3', 'c'])
  assert.deepEqual(names(inspector, 'd'), [])
  const [, , first] = inspector.channels({ prefix: '', after: '', limit: 3 })
  assert.partialDeepStrictEqual(first, { channel: 'b/1', messages: 2, last: 5, present: 1 })
  assert.deepEqual(inspector.present({ channel: 'b/1', limit: 5 }), [
    { channel: 'b/1', user: 'ann', connection: 'c1', metadata: null, joinedAt: 5, process: null },
  ])
  assert.deepEqual(
    inspector.present({ channel: undefined, limit: 1 }).map(({ channel }) => channel),
    ['b/1'],
  )
  assert.partialDeepStrictEqual(inspector.totals(), { messages: 7, first: 1, floor: 0 })
  assert.deepEqual(
    inspector.after('b/1', 2, 10).map(({ offset }) => offset),
    [5],
  )
  assert.deepEqual(
    inspector.latest(undefined, 2).map(({ offset }) => offset),
    [6, 7],
  )
})

test('a database without the tables is refused', async () => {
  await using database = await temporaryDatabase()
  assert.throws(() => new RealtimeInspector(database), { code: 'HANDCAR_REALTIME_TABLES' })
})

test('channels are found without walking through their messages', async () => {
  await using database = await realtimeDatabase()
  const plans = {
    selectChannels: ['COVERING INDEX handcar_messages_for_replay (channel>?)'],
    selectChannel: ['COVERING INDEX handcar_messages_for_replay (channel=?)'],
    selectCreatedAt: ['INTEGER PRIMARY KEY (rowid=?)'],
    countPresent: ['handcar_presences_for_list (channel>?)'],
    selectPresentIn: ['handcar_presences_for_list (channel=?)'],
  }
  await assertPlans(database, sql, plans, [/SCAN handcar_/, /TEMP B-TREE/, /AUTOMATIC/])
})
