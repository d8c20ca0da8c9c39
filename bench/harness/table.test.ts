import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowTables, table, targetTable } from './table.ts'

test('numbers are aligned to the right, names to the left, empty cells are empty', () => {
  const lines = table(
    ['mode', 'p99 ms'],
    [
      ['handcar', 1234.5678],
      ['deferred', null],
      ['x', 2],
    ],
  ).split('\n')
  assert.deepEqual(lines, [
    'mode         p99 ms',
    '────────  ─────────',
    'handcar   1,234.568',
    'deferred',
    'x                 2',
  ])
})

test('each section has its own columns', () => {
  const text = rowTables([
    { section: 'reads', rate: 10 },
    { section: 'writes', durability: 'disk', rate: 5 },
    { section: 'reads', rate: 20 },
  ])
  assert.equal(
    text,
    'reads\n\nrate\n────\n  10\n  20\n\nwrites\n\ndurability  rate\n──────────  ────\ndisk           5',
  )
})

test('a missed target is seen at once', () => {
  const text = targetTable([
    { name: 'a', target: '< 1', value: 2, met: false },
    { name: 'b', target: '< 1', value: 0.5, met: true },
    { name: 'c', target: '< 1', value: null, met: null, note: 'no cc' },
  ])
  assert.match(text, /^✗ {2}a/m)
  assert.match(text, /^✓ {2}b/m)
  assert.match(text, /^– {2}c .*no cc$/m)
})
