import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from './fake-clock.ts'

test('timers fire in their order, each at its time, also those that a timer sets', () => {
  const clock = new FakeClock(1_000)
  const fired: [string, number][] = []
  const note = (name: string) => () => void fired.push([name, clock.now()])
  clock.setTimer(note('second'), 1_020)
  clock.setTimer(() => {
    note('first')()
    clock.setTimer(note('between'), 1_015)
  }, 1_010)
  const end = clock.setTimer(note('never'), 1_011)
  end()
  clock.setTimer(note('later'), 2_000)
  assert.equal(clock.nextTimer, 1_010)
  clock.advance(100)
  assert.deepEqual(fired, [
    ['first', 1_010],
    ['between', 1_015],
    ['second', 1_020],
  ])
  assert.equal(clock.now(), 1_100)
  assert.equal(clock.nextTimer, 2_000)
})

test('a clock that is set back fires nothing, and its timers keep their times', () => {
  const clock = new FakeClock(1_000)
  let fired = 0
  clock.setTimer(() => fired++, 1_500)
  clock.set(500)
  assert.equal(fired, 0)
  clock.advance(999)
  assert.equal(fired, 0)
  clock.advance(1)
  assert.equal(fired, 1)
})
