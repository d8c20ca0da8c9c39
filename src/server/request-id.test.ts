import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSaneRequestId, RequestIds } from './request-id.ts'

test('request ids are unlike one another, and those of another process are not to be guessed', () => {
  const [one, two] = [new RequestIds(), new RequestIds()]
  const ids = new Set(Array.from({ length: 1_000 }, () => [one.next(), two.next()]).flat())
  assert.equal(ids.size, 2_000)
  assert.ok([...ids].every(isSaneRequestId))
  for (const wrong of ['', 'a b', 'a\n', 'ä', 'x'.repeat(129), undefined, ['a']])
    assert.equal(isSaneRequestId(wrong), false)
})
