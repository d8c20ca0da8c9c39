import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { comeBack as newComeBack } from './come-back.ts'

afterEach(() => mock.restoreAll())

test('the limit doubles with each failure, up to half a minute', () => {
  mock.method(Math, 'random', () => 1)
  const comeBack = newComeBack()
  const waits = Array.from({ length: 8 }, () => comeBack.next())
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  comeBack.attempts = 0
  assert.equal(comeBack.next(), 1000)
})

test('the wait is anywhere below the limit', () => {
  const comeBack = newComeBack()
  mock.method(Math, 'random', () => 0.25)
  assert.equal(comeBack.next(), 250)
})

test('what the server says goes before, from the time when it said so, and once', () => {
  mock.method(Math, 'random', () => 1)
  let now = 5000
  mock.method(performance, 'now', () => now)
  const comeBack = newComeBack()
  comeBack.next()
  comeBack.bye(800)
  now += 300
  assert.equal(comeBack.next(), 500)
  assert.equal(comeBack.next(), 1000)
  comeBack.bye(100)
  now += 300
  assert.equal(comeBack.next(), 0)
})
