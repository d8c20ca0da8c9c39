import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DriverStatement } from './driver.ts'
import { StatementCache } from './statement-cache.ts'

/** A cache that counts how often each text was prepared. */
function countingCache(capacity: number) {
  const prepared = new Map<string, number>()
  const cache = new StatementCache(capacity, (text) => {
    if (text === 'wrong') throw new Error('syntax')
    prepared.set(text, (prepared.get(text) ?? 0) + 1)
    return { reader: true } as DriverStatement
  })
  const use = (...texts: string[]) => texts.forEach((text) => cache.get(text))
  return { cache, prepared, use }
}

test('a text is prepared once and gives the same statement', () => {
  const { cache, prepared } = countingCache(10)
  assert.equal(cache.get('a'), cache.get('a'))
  assert.deepEqual([...prepared], [['a', 1]])
})

test('it never keeps more than its capacity', () => {
  const { cache, use } = countingCache(3)
  use('a', 'b', 'c', 'd', 'e')
  assert.equal(cache.size, 3)
})

test('when it is full, the oldest one that was not used again goes', () => {
  const { prepared, use } = countingCache(3)
  use('a', 'b', 'c', 'a', 'd', 'a', 'c', 'd')
  assert.deepEqual(Object.fromEntries(prepared), { a: 1, b: 1, c: 1, d: 1 })
  use('b')
  assert.equal(prepared.get('b'), 2)
})

test('when all were used again, the oldest goes', () => {
  const { prepared, use } = countingCache(2)
  use('a', 'a', 'b', 'b', 'c', 'b')
  assert.deepEqual(Object.fromEntries(prepared), { a: 1, b: 1, c: 1 })
})

test('a text that cannot be prepared costs no place', () => {
  const { cache, use } = countingCache(1)
  use('a')
  assert.throws(() => cache.get('wrong'), /syntax/)
  assert.equal(cache.size, 1)
})
