import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Mirror, presencesForTest, untilPresent } from '../../../test/helpers/presences.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { ProcessSeat } from '../../database/index.ts'
import { presenceTopic } from './entry.ts'
import type { Presence } from './presence.ts'

const channel = 'room/1'
const entry = (user: string, connection = `${user}1`, metadata: unknown = null) => ({
  user,
  connection,
  metadata,
})
const usersIn = (presence: Presence): string[] => presence.list(channel).map(({ user }) => user)

test('who joins is in the list, with metadata, in all processes, once it is committed', async () => {
  await using test = await presencesForTest(2)
  const [one, other] = test.presences as [Presence, Presence]
  const mirror = new Mirror(other)
  await one.join(channel, entry('ann', 'a', { mood: 'good' }))
  await one.join('room/2', entry('ann', 'a'))
  await other.join(channel, entry('bob', 'b'))
  const expected = [entry('ann', 'a', { mood: 'good' }), entry('bob', 'b')]
  assert.deepEqual(one.list(channel), expected)
  assert.deepEqual(other.list(channel), expected)
  await waitUntil('it is told', () => mirror.story.length === 3)
  assert.deepEqual(mirror.list(channel), expected)
  assert.equal(one.stats().entries, 2)
})

test('joining again with other metadata is told, with the same it writes nothing', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  const mirror = new Mirror(presence)
  await presence.join(channel, entry('ann', 'a', { typing: false }))
  const { position } = presence.stats()
  await presence.join(channel, entry('ann', 'a', { typing: false }))
  assert.equal(presence.stats().position, position)
  await presence.join(channel, entry('ann', 'a', { typing: true }))
  await waitUntil('it is told', () => mirror.story.length === 2)
  assert.deepEqual(mirror.story, ['+ann', '~ann'])
  assert.deepEqual(presence.list(channel), [entry('ann', 'a', { typing: true })])
})

test('who leaves is present until the grace is over', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  const mirror = new Mirror(presence)
  await presence.join(channel, entry('ann', 'a'))
  await presence.join('room/2', entry('ann', 'a'))
  await presence.join(channel, entry('bob', 'b'))
  presence.leave(channel, 'b')
  presence.leaveAll('a', 3_000)
  test.clock.advance(1_900)
  assert.deepEqual(usersIn(presence), ['ann', 'bob'])
  test.clock.advance(200)
  await untilPresent(presence, channel, 1)
  test.clock.advance(3_000)
  await untilPresent(presence, channel, 0)
  await untilPresent(presence, 'room/2', 0)
  await waitUntil('it is told', () => mirror.story.length === 6)
  assert.deepEqual(mirror.story.slice(3), ['-bob', '-ann', '-ann'])
  assert.deepEqual(presence.stats(), { entries: 0, leaving: 0, position: 6 })
})

test('a connection that is back within the grace was never away, and nothing is written', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  await presence.join(channel, entry('ann', 'a'))
  const before = presence.stats()
  for (let round = 0; round < 10; round++) {
    presence.leaveAll('a')
    test.clock.advance(1_900)
    await presence.join(channel, entry('ann', 'a'))
  }
  test.clock.advance(10_000)
  assert.deepEqual(presence.stats(), before)
  assert.deepEqual(usersIn(presence), ['ann'])
})

test('who loads the page again and again is never away', async () => {
  await using test = await presencesForTest(2)
  const mirror = new Mirror(test.presences[1]!)
  await test.presences[0]!.join(channel, entry('ann', 'a0'))
  await waitUntil('she is there', () => mirror.users(channel).length === 1)
  const seen = new Set<string>()
  test.presences[1]!.onChange(() => seen.add(mirror.users(channel).join()))
  for (let round = 1; round < 10; round++) {
    const [before, after] = [test.presences[(round + 1) % 2]!, test.presences[round % 2]!]
    before.leaveAll(`a${round - 1}`)
    test.clock.advance(1_000)
    await after.join(channel, entry('ann', `a${round}`))
    test.clock.advance(1_500)
    await waitUntil('the other entry has ended', () => mirror.list(channel).length === 1)
  }
  assert.deepEqual(
    mirror.list(channel).map(({ connection }) => connection),
    ['a9'],
  )
  assert.deepEqual([...seen], ['ann'])
})

test('somebody who joins again while his leaving is written is present', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  await presence.join(channel, entry('ann', 'a'))
  presence.leaveAll('a')
  test.clock.advance(2_100)
  await presence.join(channel, entry('ann', 'a'))
  assert.deepEqual(usersIn(presence), ['ann'])
  assert.equal(presence.stats().entries, 1)
})

test('a process that stops hands over: who comes back in time was never away, the others leave', async () => {
  await using test = await presencesForTest(2)
  const [old, young] = test.presences as [Presence, Presence]
  const mirror = new Mirror(young)
  await old.join(channel, entry('ann', 'a'))
  await old.join(channel, entry('bob', 'b'))
  await waitUntil('both are told', () => mirror.users(channel).length === 2)
  old.leaveAll('a')
  test.clock.advance(500)
  await old.stop()
  assert.deepEqual(usersIn(young), ['ann', 'bob'])
  await young.join(channel, entry('ann', 'a2'))
  test.clock.advance(1_600)
  await waitUntil('the time of the first is over', () => mirror.list(channel).length === 2)
  assert.deepEqual(mirror.users(channel), ['ann', 'bob'])
  test.clock.advance(500)
  await untilPresent(young, channel, 1)
  await waitUntil('it is told', () => mirror.story.includes('-bob'))
  assert.deepEqual(mirror.users(channel), ['ann'])
  assert.deepEqual(test.database.all('select name from handcar_realtime_processes').length, 1)
})

test('when the last process has stopped nobody is present, and the next start tidies up', async () => {
  await using test = await presencesForTest(1)
  const [old] = test.presences as [Presence]
  await old.join(channel, entry('ann'))
  await old.stop()
  test.clock.advance(3_000)
  assert.deepEqual(usersIn(old), [], 'the list knows the time')
  const young = await test.add()
  assert.deepEqual(test.database.all('select 1 from handcar_presences where left_at is null'), [])
  assert.equal(young.stats().position, 3)
})

test('what a dead process has left ends at the next start, and strays too', async () => {
  await using test = await presencesForTest(0)
  using living = ProcessSeat.take(test.database.path, 'presence')
  await test.database.write((tx) => {
    tx.run(`insert into handcar_realtime_processes (id, token, name, started_at) values
      (1, 'dead', 'machine:1', 0), (2, '${living.name}', 'machine:2', 0)`)
    for (let index = 1; index <= 600; index++)
      tx.run(`insert into handcar_presences (joined_at, process, channel, user, connection)
        values (0, ${(index % 3) + 1}, '${channel}', 'u${index}', 'c${index}')`)
  })
  const presence = await test.add()
  assert.equal(presence.list(channel).length, 200)
  assert.deepEqual(test.database.all('select id from handcar_realtime_processes'), [{ id: 2 }])
})

test('the list belongs to the snapshot that it is read in', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  await presence.join(channel, entry('ann'))
  await test.database
    .write(async (tx) => {
      tx.run("update handcar_presences set user = 'eve'")
      assert.deepEqual(usersIn(presence), ['eve'])
      throw new Error('taken back')
    })
    .catch(() => {})
  assert.deepEqual(usersIn(presence), ['ann'])
})

test('whoever joins in the context of a write that fails is present all the same', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  let joined: Promise<void> | undefined
  await test.database
    .write(() => {
      joined = presence.join(channel, entry('ann'))
      throw new Error('taken back')
    })
    .catch(() => {})
  await joined
  assert.deepEqual(usersIn(presence), ['ann'])
})

test('joins of one turn are one commit', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  const before = test.database.stats().writes.batches
  await Promise.all(Array.from({ length: 200 }, (_, index) => presence.join(channel, entry(`u${index}`))))
  assert.ok(test.database.stats().writes.batches - before <= 2)
  assert.equal(presence.list(channel).length, 200)
})

test('rows that have ended go after a minute, and their number is bounded', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  const mirror = new Mirror(presence)
  await presence.join(channel, entry('stays'))
  for (let round = 0; round < 60; round++) {
    const guests = Array.from({ length: 20 }, (_, index) => `g${round}-${index}`)
    await Promise.all(guests.map((guest) => presence.join(channel, entry(guest, guest))))
    for (const guest of guests) presence.leaveAll(guest)
    test.clock.advance(10_000)
    await untilPresent(presence, channel, 1)
  }
  const { rows } = test.database.get<{ rows: number }>('select count(*) as rows from handcar_presences')!
  assert.ok(rows < 200, `${rows} rows`)
  await waitUntil('all is told', () => mirror.list(channel).length === 1)
})

test('who has read too little for what was pruned is told to read anew', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  let resets = 0
  presence.onReset(() => resets++)
  await presence.join(channel, entry('ann'))
  const mirror = new Mirror(presence)
  await test.database.write((tx) => {
    tx.touch(presenceTopic)
    tx.run(`insert into handcar_presences (revision, joined_at, left_at, channel, user, connection)
      values (50, 0, 0, '${channel}', 'bob', 'b')`)
    tx.run('update handcar_presence_state set floor = 49')
  })
  await waitUntil('it is told', () => resets === 1)
  await presence.join(channel, entry('cleo'))
  await waitUntil('it goes on', () => mirror.story.length === 1)
  assert.deepEqual(mirror.story, ['+cleo'])
})

test('after a restore the process writes its presences anew', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  let resets = 0
  presence.onReset(() => resets++)
  await presence.join(channel, entry('ann', 'a', 1))
  await presence.join(channel, entry('ann', 'a', 2))
  await test.database.write((tx) => {
    tx.touch(presenceTopic)
    tx.run('delete from handcar_presences')
    tx.run('delete from handcar_realtime_processes')
  })
  await waitUntil('it is told', () => resets === 1)
  await untilPresent(presence, channel, 1)
  assert.deepEqual(presence.list(channel), [entry('ann', 'a', 2)])
  assert.equal(test.database.all('select 1 from handcar_realtime_processes').length, 1)
})

test('a failure to read is logged and tried again', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  const mirror = new Mirror(presence)
  await test.database.write((tx) => {
    tx.touch(presenceTopic)
    tx.run('alter table handcar_presence_state rename to hidden')
  })
  await waitUntil('it is logged', () => test.logger.lines.some(({ level }) => level === 'error'))
  await test.database.run('alter table hidden rename to handcar_presence_state')
  await presence.join(channel, entry('ann'))
  await waitUntil('it goes on', () => mirror.story.length === 1)
})

test('who cannot be written is written later, if it is still true', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  await presence.join(channel, entry('bob'))
  await test.database.run('alter table handcar_realtime_processes rename to hidden')
  await presence.join(channel, entry('ann', 'a'))
  await presence.join(channel, entry('cleo', 'c'))
  presence.leaveAll('c')
  test.clock.advance(2_100)
  assert.deepEqual(usersIn(presence), ['bob'])
  await test.database.run('alter table hidden rename to handcar_realtime_processes')
  test.clock.advance(4_000)
  await untilPresent(presence, channel, 2)
  assert.deepEqual(usersIn(presence).sort(), ['ann', 'bob'])
  assert.ok(test.logger.lines.some(({ message }) => message.includes('trying again')))
})

test('whose leaving cannot be written leaves later', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  await presence.join(channel, entry('ann', 'a'))
  await test.database.run(
    `create trigger refuse before update on handcar_presences begin select raise(abort, 'no'); end`,
  )
  presence.leaveAll('a')
  test.clock.advance(2_100)
  await waitUntil('it is logged', () => test.logger.lines.some(({ message }) => message.includes('who left')))
  await test.database.run('drop trigger refuse')
  test.clock.advance(1_100)
  await untilPresent(presence, channel, 0)
})

test('a listener that throws is logged, and the others hear', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  presence.onChange(() => {
    throw new Error('broken')
  })
  const mirror = new Mirror(presence)
  await presence.join(channel, entry('ann'))
  await waitUntil('it is told', () => mirror.story.length === 1)
  assert.ok(test.logger.lines.some(({ fields }) => String(fields['error']).includes('broken')))
})

test('it is an error to join while it is stopped; starting and stopping may be repeated', async () => {
  await using test = await presencesForTest(1)
  const [presence] = test.presences as [Presence]
  for (let round = 0; round < 3; round++) {
    await presence.join(channel, entry('ann', `a${round}`))
    await presence.stop()
    await presence.stop()
    await assert.rejects(presence.join(channel, entry('ann')), { code: 'HANDCAR_NOT_STARTED' })
    await presence.start()
  }
  assert.equal(presence.list(channel).length, 3)
})

test('whatever happens in whatever order, the list, what is told and the truth agree', async () => {
  await using test = await presencesForTest(3)
  const mirrors = test.presences.map((presence) => new Mirror(presence))
  const truth = new Map<string, string>()
  const random = (below: number): number => Math.floor(Math.random() * below)
  const channels = ['room/1', 'room/2', 'room/3']
  const pending: Promise<void>[] = []
  for (let step = 0; step < 1_500; step++) {
    const process = random(3)
    const connection = `${process}-${random(20)}`
    const channel = channels[random(3)]!
    const key = `${channel} ${connection}`
    switch (random(5)) {
      case 0:
        test.presences[process]!.leave(channel, connection)
        truth.delete(key)
        break
      case 1:
        test.presences[process]!.leaveAll(connection, random(3_000))
        for (const each of channels) truth.delete(`${each} ${connection}`)
        break
      case 2:
        test.clock.advance(random(1_000))
        break
      default: {
        const metadata = random(3)
        pending.push(test.presences[process]!.join(channel, entry(connection, connection, metadata)))
        truth.set(key, `${metadata}`)
      }
    }
    if (random(20) === 0) await Promise.all(pending.splice(0))
  }
  await Promise.all(pending)
  test.clock.advance(5_000)
  const expected = [...truth].map(([key, metadata]) => `${key} ${metadata}`).sort()
  const flat = (list: (channel: string) => { connection: string; metadata: unknown }[]): string[] =>
    channels
      .flatMap((each) =>
        list(each).map(({ connection, metadata }) => `${each} ${connection} ${String(metadata)}`),
      )
      .sort()
  const isSame = (one: string[]): boolean => one.join() === expected.join()
  await waitUntil('the lists are true', () => isSame(flat((each) => test.presences[0]!.list(each))))
  for (const mirror of mirrors)
    await waitUntil('what was told is true', () => isSame(flat((each) => mirror.list(each))))
})
