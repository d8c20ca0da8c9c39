import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Keyv } from 'keyv'
import { KeyvStore } from '../../src/cache/index.ts'
import { cacheForTest, type CacheForTest } from '../helpers/cache.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

/**
 * The suite that Keyv publishes for its stores, run as it is, with the Keyv 5 that it was made for and with ours. It is fetched into a folder
 * of its own, without the test runner that it depends on: the little that it needs of that is below.
 */
const suite = '@keyv/test-suite@2.1.2'
const packages = ['keyv@5.5.4', 'timekeeper@2.3.1', 'bignumber.js@9.3.1', 'json-bigint@1.0.0']

/** What the suite expects of Keyv 5 itself: the text of an error, an option, and one answer for many keys. */
const onlyKeyv5 = [
  'value can not be symbol',
  'value can be BigInt using other serializer/deserializer',
  '.deleteMany([keys]) with nonexistent keys resolves to false',
]

type KeyvClass = new (options: object) => object
type SuitePart = (test: object, keyv: KeyvClass, store: () => unknown) => void
interface Suite {
  default: SuitePart
  keyvIteratorTests: SuitePart
}

const folder = temporaryFolder()
process.once('exit', () => folder[Symbol.dispose]())
const fetched = await fetchSuite().catch((error: Error) => error)
const reason =
  fetched instanceof Error ? `${suite} could not be fetched: ${fetched.message.split('\n')[0]}` : false

for (const version of [5, 6] as const) {
  describe(`the suite of Keyv, with Keyv ${version}`, { skip: reason }, () => {
    if (fetched instanceof Error) return
    let context: CacheForTest
    before(async () => {
      context = await cacheForTest({ clock: { now: () => Date.now(), setTimer: () => () => {} } })
    })
    after(() => context[Symbol.asyncDispose]())
    const runner = {
      it: (name: string, work: (test: object) => void | Promise<void>) =>
        it(name, { skip: version === 6 && onlyKeyv5.includes(name) && 'of Keyv 5' }, () => work({ expect })),
      beforeEach: (work: () => void | Promise<void>) => beforeEach(() => work()),
      afterEach: (work: () => void | Promise<void>) => afterEach(() => work()),
    }
    const keyv = version === 5 ? fetched.keyv5 : (Keyv as KeyvClass)
    const store = () => new KeyvStore(context.cache)
    fetched.suite.default(runner, keyv, store)
    fetched.suite.keyvIteratorTests(runner, keyv, store)
  })
}

async function fetchSuite(): Promise<{ suite: Suite; keyv5: KeyvClass }> {
  const cwd = folder.path
  writeFileSync(join(cwd, 'package.json'), '{"private": true, "type": "module"}')
  const npm = (...words: string[]) => promisify(execFile)('npm', words, { cwd, timeout: 60_000 })
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=0']
  await npm('pack', suite, '--silent', '--fetch-retries=0')
  await npm('install', ...quietly, ...packages)
  const target = join(cwd, 'node_modules/@keyv/test-suite')
  mkdirSync(target, { recursive: true })
  await promisify(execFile)(
    'sh',
    ['-c', `tar -xzf keyv-test-suite-*.tgz --strip-components=1 -C ${target}`],
    {
      cwd,
    },
  )
  const keyv5 = (await import(join(cwd, 'node_modules/keyv/dist/index.js'))) as { Keyv: KeyvClass }
  return { suite: (await import(join(target, 'dist/index.js'))) as Suite, keyv5: keyv5.Keyv }
}

/** The questions that the suite asks. */
function expect(value: unknown) {
  return {
    toBe: (expected: unknown) =>
      assert.ok(Object.is(value, expected), `${String(value)} is not ${String(expected)}`),
    toEqual: (expected: unknown) => assert.deepEqual(value, expected),
    toBeTruthy: () => assert.ok(value),
    toBeFalsy: () => assert.ok(!value),
    toBeNull: () => assert.equal(value, null),
    toBeDefined: () => assert.notEqual(value, undefined),
    toBeUndefined: () => assert.equal(value, undefined),
  }
}
expect.assertions = (): void => {}
