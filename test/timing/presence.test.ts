import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Child } from '../helpers/child.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const channel = 'room/1'

/** How long it takes until a process knows that another one, which has 300 users, was killed, in milliseconds. */
async function timeToNotice(relays: boolean): Promise<number> {
  using folder = temporaryFolder()
  const options = { path: folder.file('app.sqlite3'), relays }
  await using stays = Child.start('presence-process', options)
  await stays.next()
  await using dies = Child.start('presence-process', options)
  await dies.next()
  const users = Array.from({ length: 300 }, (_, index) => `u${index}`)
  assert.equal(await dies.ask({ type: 'join', channel, users }), 'joined')
  assert.equal(typeof (await stays.ask({ type: 'untilUsers', channel, users })), 'number')
  const told = stays.ask<number>({ type: 'untilUsers', channel, users: [] })
  const killedAt = Date.now()
  await dies.kill()
  return (await told) - killedAt
}

test('300 users of a process that is killed are gone within a second', async (t) => {
  const times = [await timeToNotice(true), await timeToNotice(false)]
  t.diagnostic(`with the relay ${times[0]} ms, without ${times[1]} ms`)
  for (const time of times) assert.ok(time < 1_000, `${time} ms`)
})
