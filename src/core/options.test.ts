import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { describe } from './options.ts'
import * as option from './options.ts'

const readers = {
  path: option.text(),
  label: option.text('none'),
  production: option.flag(false),
  durability: option.oneOf(['disk', 'os'], 'disk'),
  batchSize: option.integer(512, { min: 1, max: 1_000 }),
  timeout: option.duration(5_000),
  folder: option.optional(option.text()),
  signal: option.signal,
}
const read = (input: unknown) => option.readOptions('Thing', input, readers)

test('options that are left out or undefined get their defaults', () => {
  const expected = {
    path: 'a',
    label: 'none',
    production: false,
    durability: 'disk',
    batchSize: 512,
    timeout: 5_000,
    folder: undefined,
    signal: undefined,
  }
  assert.deepEqual(read({ path: 'a' }), expected)
  assert.deepEqual(read({ ...expected, batchSize: undefined, timeout: undefined }), expected)
})

test('options that are given are converted', () => {
  const { signal } = new AbortController()
  const given = read({ path: 'a', timeout: '2s', batchSize: 1, production: true, folder: 'b', signal })
  assert.deepEqual(
    [given.timeout, given.batchSize, given.production, given.folder, given.signal],
    [2_000, 1, true, 'b', signal],
  )
})

test('an unknown option is refused with the nearest name, or with all names', async () => {
  const near = await errorOf(() => read({ path: 'a', timeuot: 1 }))
  assert.equal(near.code, 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(near.name, 'OptionsError')
  assert.match(near.message, /^Thing has no option "timeuot"$/)
  assert.equal(near.fix, 'Did you mean "timeout"?')
  const far = await errorOf(() => read({ path: 'a', compression: 'zstd' }))
  assert.match(far.fix!, /^Known options: path, label, /)
  assert.equal(await codeOf(() => read({ path: 'a', __proto__x: 1 })), 'HANDCAR_OPTION_UNKNOWN')
  assert.equal(await codeOf(() => read({ path: 'a', toString: 1 })), 'HANDCAR_OPTION_UNKNOWN')
})

test('options that are not an object are refused', async () => {
  for (const input of [null, 'a', 1, true, ['a'], () => {}, Symbol('a'), 1n]) {
    const error = await errorOf(() => read(input))
    assert.equal(error.code, 'HANDCAR_OPTION_INVALID', String(input))
    assert.match(error.message, /^Thing expects an object of options, got /)
  }
})

const wrong: Record<keyof typeof readers, unknown[]> = {
  path: [undefined, null, '', 0, NaN, false, [], {}, Buffer.from('a')],
  label: [null, '', 0, NaN, -1, [], {}],
  production: [null, '', 0, 1, 'true', NaN],
  durability: [null, '', 'Disk', 0, true, ['disk']],
  batchSize: [null, '', '5', 0, -1, 1.5, NaN, Infinity, 1_001, 5n],
  timeout: [null, '', '5', '5 s', -1, NaN, Infinity, 5n, new Date()],
  folder: [null, '', 0, NaN],
  signal: [null, '', 0, {}, new AbortController(), new EventTarget()],
}
for (const [name, values] of Object.entries(wrong)) {
  test(`${name} refuses values of the wrong kind and says what it expected and got`, async () => {
    for (const value of values) {
      const error = await errorOf(() => read({ path: 'a', [name]: value }))
      assert.equal(error.code, 'HANDCAR_OPTION_INVALID', `${name}: ${describe(value)}`)
      assert.match(error.message, new RegExp(`^Thing option "${name}": expected .+, got .+`))
    }
  })
}

test('a value is described without its content at length', () => {
  class Post {
    readonly id = 1
  }
  const described: [unknown, string][] = [
    [null, 'null'],
    [undefined, 'undefined'],
    ['short', '"short"'],
    ['x'.repeat(41), 'a string of 41 characters'],
    [[1, 2], 'an array'],
    [new Post(), 'an instance of Post'],
    [Object.create(null), 'an instance of Object'],
    [() => {}, 'a function'],
    [Symbol('a'), 'symbol Symbol(a)'],
    [5n, 'bigint 5n'],
    [NaN, 'number NaN'],
  ]
  for (const [value, text] of described) assert.equal(describe(value), text)
})

test('a word has no white space', async () => {
  assert.equal(option.word('secret', 'token'), 'secret')
  for (const value of ['', ' ', 'two words', 'line\n', 5, null])
    assert.equal(await codeOf(() => option.word(value, 'token')), 'HANDCAR_OPTION_INVALID')
})
