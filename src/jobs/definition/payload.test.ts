import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf, errorOf } from '../../../test/helpers/errors.ts'
import { encode } from './payload.ts'

const encodeSmall = (value: unknown): string => encode(value, 'payload of job "mail"', 1_000)

test('plain JSON is kept as JSON.stringify writes it', () => {
  const date = new Date(0)
  for (const value of [
    null,
    0,
    '',
    false,
    [],
    {},
    { a: [1, { b: 'é' }], c: undefined },
    date,
    [null],
    'x',
    -0,
    1e300,
  ]) {
    assert.equal(encodeSmall(value), JSON.stringify(value))
  }
  assert.equal(encodeSmall(undefined), 'null')
})

test('the same object twice is no cycle', () => {
  const shared = { a: 1 }
  assert.equal(encodeSmall([shared, shared]), '[{"a":1},{"a":1}]')
})

test('what JSON would lose is refused, with its place', async () => {
  const cyclic: Record<string, unknown> = { user: { name: 'Ada' } }
  ;(cyclic['user'] as Record<string, unknown>)['self'] = cyclic
  const cases: [unknown, RegExp][] = [
    [Number.NaN, /it is number NaN/],
    [{ a: { b: Infinity } }, /"a\.b" is number Infinity/],
    [{ list: [1, undefined] }, /"list\[1\]" is undefined/],
    [[[() => {}]], /"\[0\]\[0\]" is a function/],
    [{ n: 1n }, /"n" is bigint 1n/],
    [{ m: new Map() }, /"m" is an instance of Map/],
    [{ m: [new Set()] }, /"m\[0\]" is an instance of Set/],
    [{ b: new Uint8Array(1) }, /"b" is an instance of Uint8Array/],
    [{ s: Symbol('s') }, /"s" is symbol/],
    [cyclic, /"user\.self" refers back/],
    [{ d: new Date(0), f: () => {} }, /"f" is a function/],
    [{ d: new Date(Number.NaN) }, /"d" is an invalid Date/],
  ]
  for (const [value, message] of cases) {
    const error = await errorOf(() => encodeSmall(value))
    assert.equal(error.code, 'HANDCAR_JOB_PAYLOAD')
    assert.match(error.message, message)
    assert.match(error.message, /payload of job "mail"/)
  }
})

test('the limit counts bytes', async () => {
  assert.equal(encode('é'.repeat(49), 'payload', 100).length, 51)
  assert.equal(await codeOf(() => encode('é'.repeat(50), 'payload', 100)), 'HANDCAR_JOB_PAYLOAD')
})

test('what is nested too deeply is refused', async () => {
  let deep: unknown = 1
  for (let depth = 0; depth < 200_000; depth++) deep = [deep]
  const endless = { toJSON: (): unknown => ({ ...endless }) }
  for (const value of [deep, endless])
    assert.equal(await codeOf(() => encodeSmall(value)), 'HANDCAR_JOB_PAYLOAD')
})
