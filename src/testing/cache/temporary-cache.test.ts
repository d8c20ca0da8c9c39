import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../../test/helpers/errors.ts'
import { temporaryCache } from '../index.ts'

test('values expire when the clock is moved on, and end with what the app commits', async () => {
  await using context = await temporaryCache({ ttl: '1m' })
  const { cache, database, clock } = context
  await cache.set('title', 'Hello', { tags: ['posts'] })
  clock.advance(59_999)
  assert.equal(await cache.get('title'), 'Hello')
  await assert.rejects(
    database.write(() => {
      void cache.invalidate('posts')
      throw new Error('rolled back')
    }),
  )
  assert.equal(await cache.get('title'), 'Hello')
  await database.write(() => void cache.invalidate('posts'))
  assert.equal(await cache.get('title'), undefined)
  await cache.set('title', 'Goodbye')
  clock.advance(60_000)
  assert.equal(await cache.get('title'), undefined)
})

test('it closes everything, also when it cannot start', async () => {
  const { cache, database, [Symbol.asyncDispose]: end } = await temporaryCache()
  await end()
  assert.deepEqual([cache.state, database.state], ['stopped', 'stopped'])
  assert.equal(await codeOf(() => temporaryCache({ maxBytes: 5 })), 'HANDCAR_OPTION_INVALID')
})
