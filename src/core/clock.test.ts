import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from './clock.ts'

test('a timer fires when the clock shows its time, and not before', async () => {
  const at = systemClock.now() + 30
  const firedAt = await new Promise<number>((resolve) => {
    systemClock.setTimer(() => resolve(systemClock.now()), at)
    // The timer does not keep the process alive.
    setTimeout(() => {}, 200)
  })
  assert.ok(firedAt >= at)
})

test('a time that has passed is due at once, but never within the call', async () => {
  let fired = false
  systemClock.setTimer(() => (fired = true), 0)
  assert.equal(fired, false)
  await sleep(20)
  assert.equal(fired, true)
})

test('one that was ended does not fire; one far away may be set', async () => {
  let fired = false
  systemClock.setTimer(() => (fired = true), systemClock.now() + 10)()
  systemClock.setTimer(() => (fired = true), systemClock.now() + 1e12)()
  await sleep(30)
  assert.equal(fired, false)
})

test('a clock that is set forward fires a waiting timer at its next look', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  let fired = false
  systemClock.setTimer(() => (fired = true), Date.now() + 3_600_000)
  context.mock.timers.setTime(Date.now() + 2 * 3_600_000)
  context.mock.timers.tick(30_001)
  assert.equal(fired, true)
})
