import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { RateLimitOptions } from '../../src/cache/index.ts'
import type { Span } from '../helpers/cache-limits-process.ts'
import { Child } from '../helpers/child.ts'
import { temporaryFolder, type TemporaryFolder } from '../helpers/temporary-folder.ts'
import { isSoak } from './soak.ts'

const milliseconds = isSoak ? 20_000 : 2_000
const stores = ['cache', 'app'] as const

async function startChildren(folder: TemporaryFolder, count: number): Promise<Child[] & AsyncDisposable> {
  const data = { path: folder.file('cache.sqlite3'), appPath: folder.file('app.sqlite3') }
  const children = Array.from({ length: count }, () => Child.start('cache-limits-process', data))
  for (const child of children) assert.equal(await child.next(), 'ready')
  return Object.assign(children, {
    async [Symbol.asyncDispose]() {
      for (const child of children) await child.kill()
    },
  })
}

/**
 * Admissions that were certainly too many: more than the limit of them began and ended within less than a window. Each counts as late as
 * it ended and as early as it began, so nothing that is found can have been right.
 */
function findTooMany(
  admitted: Span[],
  { limit, window }: { limit: number; window: number },
): Span[] | undefined {
  const byEnd = [...admitted].sort((one, other) => one.to - other.to)
  for (const [index, { to }] of byEnd.entries()) {
    const within = byEnd
      .slice(Math.max(0, index - 4 * limit), index + 1)
      .filter(({ from }) => from > to - window)
    if (within.length > limit) return within
  }
  return undefined
}

for (const store of stores) {
  for (const limit of [7, 80]) {
    test(
      `${store}: 4 processes together never have more than ${limit} in any window`,
      { timeout: 60_000 },
      async () => {
        using folder = temporaryFolder()
        await using children = await startChildren(folder, 4)
        const window = 200
        const options: RateLimitOptions = { limit, window, store }
        const answers = await Promise.all(
          children.map((child) => child.ask<Span[]>({ type: 'limit', options, milliseconds })),
        )
        const admitted = answers.flat()
        assert.equal(findTooMany(admitted, { limit, window }), undefined)
        // It was asked for more than was allowed, and what was allowed was used.
        assert.ok(admitted.length > limit * 3, `${admitted.length} were admitted`)
        // The checker finds what is wrong.
        const burst = Array.from({ length: limit + 1 }, () => ({ from: 1_000, to: 1_000 + window - 1 }))
        assert.notEqual(findTooMany([...admitted, ...burst], { limit, window }), undefined)
      },
    )
  }

  test(
    `${store}: 4 processes: one holds the lock at a time, and tokens increase`,
    { timeout: 60_000 },
    async () => {
      using folder = temporaryFolder()
      await using children = await startChildren(folder, 4)
      const log = folder.file('log')
      const order = { type: 'lock', store, milliseconds, log }
      const counts = await Promise.all(children.map((child) => child.ask<number>(order)))
      const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean)
      assert.equal(lines.length, counts.reduce((sum, count) => sum + count) * 2)
      let before = 0
      for (let index = 0; index < lines.length; index += 2) {
        const token = Number(lines[index]!.slice(1))
        assert.deepEqual(lines.slice(index, index + 2), [`+${token}`, `-${token}`])
        assert.ok(token > before)
        before = token
      }
      assert.ok(Math.min(...counts) > 0, `they had it ${counts.join(', ')} times`)
    },
  )

  test(
    `${store}: the holder is killed: exactly one of those who wait has the lock at once`,
    { timeout: 60_000 },
    async () => {
      using folder = temporaryFolder()
      await using children = await startChildren(folder, 3)
      await using holders = await startChildren(folder, 1)
      assert.equal(await holders[0]!.ask({ type: 'hold', store }), 'holding')
      const answers = children.map((child) => child.ask<number>({ type: 'wait', store }))
      const got: number[] = []
      for (const answer of answers) void answer.then((token) => got.push(token)).catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 300))
      assert.deepEqual(got, [])
      const killedAt = performance.now()
      await holders[0]!.kill()
      await Promise.race(answers)
      const delay = performance.now() - killedAt
      assert.ok(delay < 1_000, `taken over after ${Math.round(delay)} ms`)
      await new Promise((resolve) => setTimeout(resolve, 200))
      assert.equal(got.length, 1)
      // The next ones follow as each of them is killed in turn.
      for (const child of children) {
        await child.kill()
      }
      await Promise.allSettled(answers)
    },
  )
}
