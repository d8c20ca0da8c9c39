import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf } from '../../test/helpers/errors.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { checkParameters, type SqlParameters } from './parameters.ts'

const check = (value: unknown) => checkParameters(value as SqlParameters)

test('what needs no conversion is passed on as it is', () => {
  const values = [null, '', 'a', 0, -1, 1.5, Number.MAX_SAFE_INTEGER]
  assert.equal(check(values), values)
  const others = [1n, Buffer.from('a'), new Uint8Array(2)]
  assert.deepEqual(check(others), others)
})

test('booleans become 1 and 0, by position and by name', () => {
  assert.deepEqual(check([true, false, 'a']), [1, 0, 'a'])
  assert.deepEqual(check({ a: true, b: false }), { a: 1, b: 0 })
})

const refused: [string, unknown, RegExp][] = [
  ['NaN', NaN, /no NaN/],
  ['Infinity', Infinity, /no NaN and no Infinity/],
  ['-Infinity', -Infinity, /no NaN and no Infinity/],
  ['undefined', undefined, /Bind null/],
  ['a Date', new Date(0), /getTime/],
  ['an object', { a: 1 }, /JSON\.stringify/],
  ['an array', [1], /JSON\.stringify/],
  ['a function', () => {}, /JSON\.stringify/],
  ['a symbol', Symbol('a'), /JSON\.stringify/],
  ['an ArrayBuffer', new ArrayBuffer(1), /JSON\.stringify/],
  ['a bigint above 64 bits', 2n ** 63n, /64 bits/],
  ['a bigint below 64 bits', -(2n ** 63n) - 1n, /64 bits/],
  ['a text that is too long', 'x'.repeat(250_000_001), /pieces/],
]
for (const [name, value, fix] of refused) {
  test(`${name} is refused, by position and by name, with a cure`, async () => {
    const byPosition = await errorOf(() => check([1, value]))
    assert.equal(byPosition.code, 'HANDCAR_PARAMETER')
    assert.match(byPosition.message, /^Parameter 2 cannot be bound: got /)
    assert.match(byPosition.fix!, fix)
    assert.ok(byPosition.message.length < 200)
    const byName = await errorOf(() => check({ id: value }))
    assert.match(byName.message, /^Parameter id cannot be bound/)
  })
}

test('a hole in a list is refused like undefined', async () => {
  // oxlint-disable-next-line no-sparse-arrays -- the point of the test
  assert.match((await errorOf(() => check([1, , 2]))).message, /^Parameter 2 cannot be bound/)
})

test('parameters that are neither list nor object are refused', async () => {
  for (const value of [5, 'a', true, 1n, Symbol('a'), () => {}])
    assert.equal((await errorOf(() => check(value))).code, 'HANDCAR_PARAMETER')
})

test('what is bound comes back as SQLite stores it', async () => {
  await using database = await temporaryDatabase()
  const typed = (value: unknown) =>
    database.get<{ value: unknown; type: string }>(
      'select value, typeof(value) as type from (select ? as value)',
      [value] as SqlParameters,
    )
  const text = 'zoë \u{1F600} \0 end'
  assert.deepEqual(typed(text), { value: text, type: 'text' })
  assert.deepEqual(typed(null), { value: null, type: 'null' })
  assert.equal(typed(true)?.value, 1)
  assert.deepEqual(typed(1.5), { value: 1.5, type: 'real' })
  assert.equal(typed(-(2n ** 63n))?.type, 'integer')
  assert.equal(typed(2n ** 63n - 1n)?.type, 'integer')
  assert.deepEqual(typed(Buffer.from([0, 255])), { value: Buffer.from([0, 255]), type: 'blob' })
})

test('named parameters match :name, @name and $name; a missing one is an error of the driver', async () => {
  await using database = await temporaryDatabase()
  for (const prefix of [':', '@', '$'])
    assert.deepEqual(database.get(`select ${prefix}id as id`, { id: 5 }), { id: 5 })
  await assert.rejects(async () => database.get('select :id', {}), /named parameter "id"/i)
  await assert.rejects(async () => database.get('select ?, ?', [1]), RangeError)
  await assert.rejects(async () => database.get('select ?', [1, 2]), RangeError)
})
