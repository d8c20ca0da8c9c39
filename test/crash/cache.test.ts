import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '../../src/database/index.ts'
import { cacheForTest } from '../helpers/cache.ts'
import type { Recorded } from '../helpers/cache-process.ts'
import { Child } from '../helpers/child.ts'
import { temporaryFolder, type TemporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { cannotMount, SmallDisk } from './small-disk.ts'
import { isSoak } from './soak.ts'

async function startChildren(count: number, data: object): Promise<Child[] & AsyncDisposable> {
  const children = Array.from({ length: count }, () => Child.start('cache-process', data))
  const end = async (): Promise<void> => {
    for (const child of children) await child.kill()
  }
  try {
    for (const child of children) await child.next()
  } catch (error) {
    // Those that did start would keep this process from ending.
    await end()
    throw error
  }
  return Object.assign(children, { [Symbol.asyncDispose]: end })
}

const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : []

const healthOf = (database: Database) => database.all('pragma integrity_check')

test('4 processes with 100 callers each: the factory runs once', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder()
  await using children = await startChildren(4, { path: folder.file('cache.sqlite3') })
  for (let round = 0; round < 5; round++) {
    const log = folder.file(`log-${round}`)
    const order = { type: 'stampede', key: `key:${round}`, callers: 100, log, takes: 100 }
    const answers = await Promise.all(children.map((child) => child.ask<number[]>(order)))
    assert.equal(linesOf(log).length, 1)
    assert.deepEqual(new Set(answers.flat()), new Set(linesOf(log).map(Number)))
    assert.equal(answers.flat().length, 400)
  }
})

test(
  'the process that makes the value is killed: exactly one takes over, at once',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('cache.sqlite3')
    await using children = await startChildren(4, { path })
    const delays: number[] = []
    for (let round = 0; round < 3; round++) {
      const key = `key:${round}`
      const log = folder.file(`log-${round}`)
      await using holders = await startChildren(1, { path })
      await holders[0]!.ask({ type: 'hold', key })
      const order = { type: 'stampede', key, callers: 100, log, takes: 50 }
      const answers = Promise.all(children.map((child) => child.ask<number[]>(order)))
      await sleep(200)
      assert.equal(linesOf(log).length, 0)
      await holders[0]!.kill()
      const knownAt = performance.now()
      await waitUntil('somebody takes over', () => linesOf(log).length > 0)
      delays.push(performance.now() - knownAt)
      await answers
      assert.equal(linesOf(log).length, 1)
    }
    // A busy machine may hold one of them up; all of them it does not.
    assert.ok(Math.min(...delays) < 100, `taken over after ${delays.map(Math.round).join(', ')} ms`)
  },
)

test(
  'processes count 1,000 times each, beside one that sets the counter and one that is killed',
  { timeout: 120_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('cache.sqlite3')
    await using children = await startChildren(4, { path })
    const count = (key: string) =>
      children.map((child) => child.ask({ type: 'increment', key, times: 1_000 }))
    await Promise.all(count('n'))
    assert.equal(await children[0]!.ask({ type: 'get', key: 'n' }), children.length * 1_000)
    // It is what was added since it was set, and never more.
    await using others = await startChildren(2, { path })
    const counted = Promise.all(count('m'))
    await others[0]!.ask({ type: 'set', key: 'm', value: 0 })
    void others[1]!.ask({ type: 'increment', key: 'm', times: 100_000 }).catch(() => {})
    await others[1]!.kill()
    await counted
    const total = await children[0]!.ask<number>({ type: 'get', key: 'm' })
    assert.ok(Number.isSafeInteger(total) && total <= children.length * 1_000 + 100_000, String(total))
  },
)

/**
 * Two processes write a key, three others read it from memory, and all write down what they saw and when, on a clock that they share. A
 * read may return what was written last before it began, or anything that was being written meanwhile; what it returns may never be older
 * than something that was read, or written, to the end before it began.
 */
test('no process ever reads from memory what is older than the file', { timeout: 60_000 }, async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  await using children = await startChildren(5, { path })
  const milliseconds = isSoak ? 30_000 : 2_000
  const histories = await Promise.all(
    children.map((child, worker) =>
      child.ask<Recorded[]>({
        type: 'register',
        key: 'key',
        milliseconds,
        writes: worker < 2,
        worker: worker + 1,
      }),
    ),
  )
  const all = histories.flat()
  const writes = new Map(all.filter(({ type }) => type === 'write').map((each) => [each.value, each]))
  assert.ok(writes.size > 20)
  const reads = all.filter(({ type }) => type === 'read')
  assert.ok(reads.length > 1_000)
  assert.equal(findStale(reads, writes), undefined)
  // The checker itself finds what is wrong.
  const [first, ...others] = [...writes.values()].sort((one, other) => one.from - other.from)
  const last = others.at(-1)!
  const stale: Recorded = { type: 'read', value: first!.value, from: last.to + 1, to: last.to + 2 }
  assert.notEqual(findStale([...reads, stale], writes), undefined)
})

/** A read that returns a value which had certainly been replaced before the read began. */
function findStale(reads: Recorded[], writes: Map<number, Recorded>): Recorded | undefined {
  // A value is certainly there from the end of its write, or of the first read that saw it.
  const seenAt = new Map<number, number>()
  for (const { value, to } of [...reads, ...writes.values()])
    seenAt.set(value, Math.min(to, seenAt.get(value) ?? Infinity))
  return reads.find((read) => {
    const own = writes.get(read.value)
    // Some other value was there before the read, whose write began only after this one's had ended.
    for (const other of writes.values()) {
      const isLater = own === undefined || other.from > own.to
      if (isLater && (seenAt.get(other.value) ?? Infinity) < read.from) return true
    }
    return false
  })
}

test(
  'four processes fill it far beyond the bound, which is kept all the time',
  { timeout: 600_000 },
  async (context) => {
    using folder = temporaryFolder()
    const path = folder.file('cache.sqlite3')
    const maxBytes = 4 * 1_024 ** 2
    await using children = await startChildren(4, { path, maxBytes })
    const reader = new Database({ path, readOnly: true, readers: false, checkpointer: false })
    await reader.start()
    let most = 0
    const measure = (): void => {
      // In one statement, so that both numbers are of one moment.
      const { used } = reader.get<{ used: number }>(
        'select (page_count - freelist_count) as used from pragma_page_count, pragma_freelist_count',
      )!
      most = Math.max(most, used * 1_024)
    }
    const timer = setInterval(measure, 5)
    const milliseconds = isSoak ? 120_000 : 4_000
    const answers = await Promise.all(
      children.map((child) =>
        child.ask<{ bytes: number; sets: number; p99: number; errors: number }>({
          type: 'fill',
          milliseconds,
          largest: 60_000,
          least: maxBytes,
        }),
      ),
    )
    clearInterval(timer)
    measure()
    await reader.stop()
    const written = answers.reduce((sum, { bytes }) => sum + bytes, 0)
    context.diagnostic(
      `${Math.round(written / 1e6)} MB written; p99 of set ${Math.max(...answers.map(({ p99 }) => p99)).toFixed(1)} ms; at most ${most} of ${maxBytes} bytes`,
    )
    assert.ok(written > 2 * maxBytes, `only ${written} bytes were written`)
    assert.ok(most <= maxBytes * 1.01, `${most} bytes`)
    assert.deepEqual(
      answers.map(({ errors }) => errors),
      [0, 0, 0, 0],
    )
  },
)

test(
  'processes are killed at any moment: the cache goes on, and what it says is right',
  { timeout: 600_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('cache.sqlite3')
    await using context = await cacheForTest({ path, maxBytes: 4 * 1_024 ** 2 })
    for (let round = 0; round < (isSoak ? 300 : 6); round++) {
      await using children = await startChildren(1, { path, maxBytes: 4 * 1_024 ** 2 })
      void children[0]!.ask({ type: 'fill', milliseconds: 60_000, largest: 60_000 }).catch(() => {})
      await sleep(Math.random() * 200)
      await children[0]!.kill()
      await context.cache.set('key', round)
      assert.equal(await context.cache.get('key'), round)
      assert.deepEqual(healthOf(context.database), [{ integrity_check: 'ok' }])
    }
    assert.equal(context.cache.stats().errors, 0)
  },
)

test(
  'a file that is deleted while it is open is begun anew, in all processes',
  { timeout: 60_000 },
  async () => {
    using folder = temporaryFolder()
    const path = folder.file('cache.sqlite3')
    await using context = await cacheForTest({ path })
    await using children = await startChildren(1, { path })
    await context.cache.set('key', 1)
    for (const file of filesOf(folder)) rmSync(folder.file(file))
    await waitUntil('the file is there again', async () => {
      await context.cache.get('key')
      return existsSync(path) && context.cache.stats().isOn
    })
    await waitUntil('both use the new one', async () => {
      await context.cache.set('key', 2)
      return (await children[0]!.ask({ type: 'get', key: 'key' })) === 2
    })
    assert.equal(await context.cache.get('key'), 2)
  },
)

const filesOf = (folder: TemporaryFolder): string[] =>
  readdirSync(folder.path).filter((name) => /^cache\.sqlite3(-wal|-shm)?$/.test(name))

for (const place of ['all pages', 'pages in the middle']) {
  test(
    `a file whose ${place} are garbage is set aside and begun anew, while it is open`,
    { timeout: 60_000 },
    async () => {
      using folder = temporaryFolder()
      const path = folder.file('cache.sqlite3')
      {
        await using context = await cacheForTest({ path })
        for (let index = 0; index < 300; index++) void context.cache.set(`key:${index}`, 'x'.repeat(3_000))
        await context.cache.set('last', 1)
      }
      await using context = await cacheForTest({ path, memory: false })
      const file = await open(path, 'r+')
      const garbage = Buffer.alloc(4_096, 0x5a)
      for (let page = place === 'all pages' ? 0 : 1; page < 250; page++)
        await file.write(garbage, 0, 4_096, page * 4_096)
      await file.close()
      await waitUntil('a new file works', async () => {
        for (let index = 0; index < 300; index++) {
          const value = await context.cache.get(`key:${index}`)
          assert.ok(value === undefined || value === 'x'.repeat(3_000))
        }
        await context.cache.set('new', 1)
        const isSetAside = readdirSync(folder.path).some((name) => name.includes('.corrupt-'))
        return isSetAside && (await context.cache.get('new')) === 1 && context.cache.stats().isOn
      })
      assert.deepEqual(healthOf(context.database), [{ integrity_check: 'ok' }])
      const told = context.logger.lines.filter(({ message }) => message.includes('goes on without'))
      assert.ok(told.length <= 1, 'one line a minute')
    },
  )
}

test('a file that is damaged at the start is set aside', async () => {
  using folder = temporaryFolder()
  const path = folder.file('cache.sqlite3')
  writeFileSync(path, 'this is no database '.repeat(1_000))
  await using context = await cacheForTest({ path })
  await context.cache.set('key', 1)
  assert.equal(await context.cache.get('key'), 1)
  assert.equal(readdirSync(folder.path).filter((name) => name.includes('.corrupt-')).length, 1)
})

test('a file that is no database and is not named like one is left alone', async () => {
  using folder = temporaryFolder()
  const path = folder.file('passwords')
  writeFileSync(path, 'root:x:0:0\n'.repeat(500))
  await assert.rejects(cacheForTest({ path }), {
    code: 'HANDCAR_OPTION_INVALID',
    message: /a file of a cache, or a new one whose name ends in \.sqlite3/,
  })
  assert.deepEqual(readdirSync(folder.path), ['passwords'])
})

test(
  'a full disk turns writing off, and some room on again',
  { skip: cannotMount, timeout: 60_000 },
  async () => {
    using disk = new SmallDisk(8)
    await using context = await cacheForTest({ path: disk.file('cache.sqlite3') })
    const { cache } = context
    await cache.set('key', 'old', { ttl: '1h' })
    disk.fill(100_000)
    for (let index = 0; index < 500 && cache.stats().isOn; index++)
      await cache.set(`key:${index}`, 'x'.repeat(50_000))
    assert.equal(cache.stats().isOn, false)
    // Writes do nothing and throw nothing; what could not be replaced or deleted is not served.
    await cache.set('key', 'new')
    assert.equal(await cache.get('key'), undefined)
    assert.equal(await cache.delete('key'), false)
    assert.equal(await cache.getOrSet('other', () => 'made'), 'made')
    disk.release()
    await waitUntil(
      'writing works again',
      async () => {
        await cache.set('after', 1)
        return (await cache.get('after')) === 1
      },
      20_000,
    )
    await waitUntil('the old value is gone', async () => {
      const row = context.database.get("select 1 from handcar_cache_entries where key = 'key'")
      return row === undefined
    })
    assert.equal(await cache.get('key'), undefined)
  },
)
