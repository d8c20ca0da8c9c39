import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Policy, Verdict } from './policy.ts'
import { takeFromWindow } from './sliding-window.ts'
import { takeFromBucket } from './token-bucket.ts'

type Take = (state: string | undefined, now: number, policy: Policy, cost: number) => Verdict

interface Admission {
  at: number
  cost: number
}

/** Numbers that are the same in each run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state % below
  }
}

/** Asks again and again at random moments; returns what was admitted. */
function simulate(take: Take, policy: Policy, seed: number): Admission[] {
  const random = randomOf(seed)
  const admitted: Admission[] = []
  let state: string | undefined
  let now = 1_790_000_000_123
  for (let time = 0; time < 2_000; time++) {
    now += random(3) === 0 ? random(policy.window) : random(3)
    const cost = 1 + random(Math.min(3, policy.limit))
    const verdict = take(state, now, policy, cost)
    assert.equal(verdict.retryAfter === 0, verdict.isAllowed)
    if (verdict.isAllowed) {
      admitted.push({ at: now, cost })
      ;({ state } = verdict)
    } else {
      // What it says of the future is true.
      assert.ok(!take(state, now + verdict.retryAfter - 1, policy, cost).isAllowed)
      assert.ok(take(state, now + verdict.retryAfter, policy, cost).isAllowed)
    }
    assert.equal(take(state, verdict.resetAt, policy, policy.limit).isAllowed, true)
    assert.equal(verdict.resetAt, now + verdict.resetAfter)
    if (verdict.remaining > 0) assert.ok(take(state, now, policy, verdict.remaining).isAllowed)
    if (verdict.remaining < policy.limit)
      assert.ok(!take(state, now, policy, verdict.remaining + 1).isAllowed)
  }
  return admitted
}

/** The most that was admitted in any span that is shorter than the window. */
function busiest(admitted: Admission[], window: number): number {
  let most = 0
  let sum = 0
  let first = 0
  for (const { at, cost } of admitted) {
    sum += cost
    while (admitted[first]!.at <= at - window) sum -= admitted[first++]!.cost
    most = Math.max(most, sum)
  }
  return most
}

for (const limit of [1, 3, 10, 50, 51, 200, 1_000]) {
  test(`sliding window of ${limit}: no window ever has more`, () => {
    for (const window of [10, 1_000, 60_000]) {
      const admitted = simulate(takeFromWindow, { limit, window }, limit + window)
      assert.ok(busiest(admitted, window) <= limit)
      assert.ok(admitted.length > 10)
    }
  })

  test(`token bucket of ${limit}: never more than the limit and what flows in`, () => {
    for (const window of [10, 1_000, 60_000]) {
      const admitted = simulate(takeFromBucket, { limit, window }, limit * window)
      let sum = 0
      // As a bucket that leaks: what is above the limit at any moment was too much.
      let before = admitted[0]!.at
      for (const { at, cost } of admitted) {
        sum = Math.max(0, sum - ((at - before) * limit) / window) + cost
        before = at
        assert.ok(sum <= limit + 1e-6)
      }
    }
  })
}

test('a small sliding window is exact', () => {
  const policy = { limit: 2, window: 1_000 }
  const at = (now: number, state?: string) => takeFromWindow(state, now, policy, 1)
  const first = at(10_000)
  const second = at(10_400, first.state)
  assert.deepEqual(
    [first.remaining, second.remaining, second.resetAt, second.resetAfter],
    [1, 0, 11_400, 1_000],
  )
  assert.equal(at(10_500, second.state).retryAfter, 500)
  assert.equal(at(10_999, second.state).isAllowed, false)
  assert.equal(at(11_000, second.state).isAllowed, true)
})

test('a large sliding window keeps a small state, and is late by a fiftieth at most', () => {
  const policy = { limit: 100_000, window: 60_000 }
  let state: string | undefined
  let now = 1_790_000_000_000
  for (let count = 0; count < 100_000; count++) {
    if (count % 5 === 0) now++
    ;({ state } = takeFromWindow(state, now, policy, 1))
  }
  assert.ok(state!.length < 600)
  const { retryAfter } = takeFromWindow(state, now, policy, 1)
  const exact = 1_790_000_000_001 + 60_000 - now
  assert.ok(retryAfter >= exact && retryAfter <= exact + 1_200)
})

test('a token bucket takes the limit at once, and then what flows in', () => {
  const policy = { limit: 10, window: 1_000 }
  let verdict = takeFromBucket(undefined, 0, policy, 10)
  assert.deepEqual([verdict.isAllowed, verdict.remaining, verdict.resetAt], [true, 0, 1_000])
  assert.equal(takeFromBucket(verdict.state, 0, policy, 1).retryAfter, 100)
  assert.equal(takeFromBucket(verdict.state, 99, policy, 1).isAllowed, false)
  verdict = takeFromBucket(verdict.state, 100, policy, 1)
  assert.deepEqual([verdict.isAllowed, verdict.remaining], [true, 0])
  assert.equal(takeFromBucket(verdict.state, 1_200, policy, 10).isAllowed, true)
})

for (const [name, take] of Object.entries({ takeFromWindow, takeFromBucket })) {
  test(`${name}: a clock that is put back holds nothing up for longer than the window`, () => {
    const policy = { limit: 2, window: 1_000 }
    const { state } = take(undefined, 1_000_000, policy, 2)
    const refused = take(state, 5_000, policy, 1)
    assert.deepEqual([refused.isAllowed, refused.wasAhead], [false, true])
    assert.ok(refused.retryAfter <= 1_000)
    assert.equal(take(refused.state, 6_000, policy, 1).isAllowed, true)
  })

  test(`${name}: what cannot be read counts as nothing`, () => {
    for (const state of ['', '{', '{}', '[null]', '["a",1]'])
      assert.ok(take(state, 1_000_000, { limit: 3, window: 10 }, 3).isAllowed, state)
  })

  test(`${name}: a cost of 0 looks and takes nothing`, () => {
    const policy = { limit: 1, window: 10 }
    const look = take(undefined, 5, policy, 0)
    assert.deepEqual(
      [look.isAllowed, look.remaining, take(look.state, 5, policy, 1).isAllowed],
      [true, 1, true],
    )
    const { state } = take(undefined, 5, policy, 1)
    assert.equal(take(state, 5, policy, 0).isAllowed, false)
  })
}
