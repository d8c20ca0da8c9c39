import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheForTest } from '../../test/helpers/cache.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { FakeClock } from '../testing/index.ts'
import type { Cache } from './index.ts'

/** What the cache has to be like: a map with ends and tags. */
class Model {
  readonly entries = new Map<string, { value: unknown; end: number; tags: readonly string[] }>()
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  get(key: string): unknown {
    return this.#live(key)?.value
  }

  has(key: string): boolean {
    return this.#live(key) !== undefined
  }

  set(key: string, value: unknown, ttl: number | null, tags: readonly string[]): void {
    this.entries.set(key, { value, end: this.#end(ttl), tags })
  }

  delete(key: string): boolean {
    const had = this.has(key)
    this.entries.delete(key)
    return had
  }

  /** What the counter is then; `undefined` when it is none. */
  increment(key: string, by: number, ttl: number | null): number | undefined {
    const live = this.#live(key)
    if (live === undefined) {
      this.set(key, by, ttl, [])
      return by
    }
    if (!Number.isSafeInteger(live.value)) return undefined
    live.value = (live.value as number) + by
    return live.value as number
  }

  touch(key: string, ttl: number | null): boolean {
    const live = this.#live(key)
    if (live !== undefined) live.end = this.#end(ttl)
    return live !== undefined
  }

  invalidate(tag: string): void {
    for (const [key, { tags }] of this.entries) if (tags.includes(tag)) this.entries.delete(key)
  }

  clear(prefix: string): void {
    for (const key of this.entries.keys()) if (key.startsWith(prefix)) this.entries.delete(key)
  }

  #live(key: string) {
    const entry = this.entries.get(key)
    return entry !== undefined && this.#clock.now() < entry.end ? entry : undefined
  }

  #end(ttl: number | null): number {
    return ttl === null ? Infinity : this.#clock.now() + ttl
  }
}

/** Mulberry32 (Tommy Ettinger): numbers at random that a seed brings back. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const values = [1, 2.5, -7, 'text', '', null, true, { a: [1, { b: 2 }] }, new Map([[1, 2]]), new Date(5), 9n]
const operationsOfSeed = 300

/**
 * Two caches on the same files, with a connection each as two processes have, do at random what a cache can do; at each step
 * both have to say what the map says.
 */
async function compareWithModel(seed: number): Promise<void> {
  const random = randomOf(seed)
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
  const clock = new FakeClock()
  const model = new Model(clock)
  using folder = temporaryFolder()
  const paths = { path: folder.file('cache.sqlite3'), appPath: folder.file('app.sqlite3'), clock }
  await using first = await cacheForTest(paths)
  await using second = await cacheForTest({ ...paths, memory: random() < 0.5 ? false : {} })
  const caches = [first.cache, second.cache]
  const spaceOf = (cache: Cache, key: string) => (key.startsWith('n/') ? cache.namespace('n') : cache)
  const ttl = (): number | null => pick([null, null, 0, 1, 10, 1_000])
  let waiting: { promise: Promise<unknown>; expected: unknown; step: string }[] = []
  let writer = caches[0]!
  let log: string[] = []
  const settle = async (): Promise<void> => {
    for (const { promise, expected, step } of waiting) {
      const result = await promise.catch((error: { code?: string }) => error.code)
      assert.deepEqual(result, expected, `seed ${seed}: ${step} after\n${log.join('\n')}`)
    }
    waiting = []
  }
  const expect = (step: string, promise: Promise<unknown>, expected: unknown): void => {
    log = [...log.slice(-40), step]
    waiting.push({ promise, expected, step })
  }

  /** What happens to a key while its value is made, and whether the value is kept nevertheless. */
  const interfere = async (key: string, tags: readonly string[]): Promise<boolean> => {
    const cache = pick(caches)
    const space = spaceOf(cache, key)
    const what = pick([
      'nothing',
      'nothing',
      'get',
      'set',
      'delete',
      'increment',
      'touch',
      'invalidate',
      'clear',
    ])
    log.push(`meanwhile ${what} by ${caches.indexOf(cache)}`)
    switch (what) {
      case 'get':
        assert.deepEqual(await space.get(key), model.get(key), `seed ${seed}: ${log.join('\n')}`)
        return true
      case 'set':
        model.set(key, 'meanwhile', null, [])
        await space.set(key, 'meanwhile')
        return false
      case 'delete':
        assert.equal(await space.delete(key), model.delete(key))
        return false
      case 'increment':
        model.increment(key, 1, null)
        await space.increment(key).catch(() => {})
        return false
      case 'touch':
        assert.equal(await space.touch(key, 10), model.touch(key, 10))
        return true
      case 'invalidate': {
        const tag = pick(['x', 'y', 'z'])
        model.invalidate(tag)
        await cache.invalidate(tag)
        return !tags.includes(tag)
      }
      case 'clear':
        model.clear(key.startsWith('n/') ? 'n/' : '')
        await (key.startsWith('n/') ? cache.namespace('n') : cache).clear()
        return false
      default:
        return true
    }
  }
  /** `getOrSet`: the factory runs once for a miss, and what it makes is kept unless the key was written or invalidated meanwhile. */
  const make = async (key: string, cache: Cache): Promise<void> => {
    const options = { ttl: ttl(), tags: pick([[], ['x'], ['x', 'y']]), forceFresh: random() < 0.2 }
    const isHit = model.has(key) && !options.forceFresh
    const made = pick(values)
    const expected = isHit ? model.get(key) : made
    log = [...log.slice(-40), `getOrSet ${caches.indexOf(cache)} ${key} ${JSON.stringify(options)}`]
    let calls = 0
    let isKept = true
    const factory = async (): Promise<unknown> => {
      calls++
      isKept = await interfere(key, options.tags)
      return made
    }
    const value = await spaceOf(cache, key).getOrSet(key, options, factory)
    assert.deepEqual(value, expected, `seed ${seed}: ${log.join('\n')}`)
    assert.equal(calls, isHit ? 0 : 1)
    if (!isHit && isKept) model.set(key, made, options.ttl, options.tags)
  }

  for (let step = 0; step < operationsOfSeed; step++) {
    const key = pick(['a', 'b', 'c', 'n/a', 'n/b'])
    const cache = pick(caches)
    // What one process writes is seen by itself at once, and by others when its promise resolves.
    if (cache !== writer || random() < 0.3) await settle()
    writer = cache
    const space = spaceOf(cache, key)
    const name = `${caches.indexOf(cache)} ${key}`
    const choice = random()
    if (choice < 0.12) {
      await settle()
      await make(key, cache)
    } else if (choice < 0.35) {
      expect(`get ${name}`, space.get(key), model.get(key))
      expect(`has ${name}`, space.has(key), model.has(key))
      // A read that waits for a write may see what is written meanwhile.
      await settle()
    } else if (choice < 0.55) {
      const [value, tags, end] = [pick(values), pick([[], ['x'], ['x', 'y'], ['z']]), ttl()]
      const options = { ttl: end, tags, grace: pick([0, 5]) }
      if (random() < 0.2) {
        const isNew = !model.has(key)
        if (isNew) model.set(key, value, end, tags)
        expect(`setIfAbsent ${name}`, space.setIfAbsent(key, value, options), isNew)
      } else {
        model.set(key, value, end, tags)
        expect(`set ${name} ttl ${end} tags ${tags.join()}`, space.set(key, value, options), undefined)
      }
    } else if (choice < 0.65) {
      expect(`delete ${name}`, space.delete(key), model.delete(key))
    } else if (choice < 0.75) {
      const [by, end] = [pick([1, 5, -3]), ttl()]
      const expected = model.increment(key, by, end) ?? 'HANDCAR_CACHE_COUNTER'
      expect(`increment ${name} by ${by} ttl ${end}`, space.increment(key, by, { ttl: end }), expected)
    } else if (choice < 0.82) {
      const end = ttl()
      expect(`touch ${name} ttl ${end}`, space.touch(key, end), model.touch(key, end))
    } else if (choice < 0.88) {
      await settle()
      const tag = pick(['x', 'y', 'z'])
      model.invalidate(tag)
      expect(`invalidate ${tag}`, cache.invalidate(tag), undefined)
      await settle()
    } else if (choice < 0.91) {
      await settle()
      const prefix = pick(['n/', ''])
      model.clear(prefix)
      expect(`clear ${prefix}`, prefix === '' ? cache.clear() : cache.namespace('n').clear(), undefined)
      await settle()
    } else {
      await settle()
      const milliseconds = pick([1, 5, 20, 2_000])
      log.push(`advance ${milliseconds}`)
      clock.advance(milliseconds)
    }
  }
  await settle()
  for (const cache of caches) {
    for (const key of ['a', 'b', 'c', 'n/a', 'n/b'])
      assert.deepEqual(await spaceOf(cache, key).get(key), model.get(key), `seed ${seed}: ${key} in the end`)
    assert.equal(cache.stats().errors, 0)
  }
}

test('two caches on one file do what a map would do', { timeout: 120_000 }, async () => {
  for (let round = 0; round < 5; round++) await compareWithModel(Math.floor(Math.random() * 2 ** 31))
})
