import assert from 'node:assert/strict'
import { styleText } from 'node:util'
import { test } from 'node:test'
import { formatTable } from './table.ts'

test('columns are as wide as their widest text', () => {
  const columns = [{ title: 'name' }, { title: 'size', align: 'right' }, { title: 'note' }] as const
  const rows = [
    ['web.1', '7', ''],
    ['checkpointer', '1,024', 'ok'],
  ]
  assert.deepEqual(formatTable(columns, rows), [
    'name           size  note',
    'web.1             7',
    'checkpointer  1,024  ok',
  ])
})

test('colours and characters of several code units count as they look', () => {
  const red = styleText('red', 'ab', { validateStream: false })
  assert.deepEqual(
    formatTable(
      [{ title: 'a' }, { title: 'b' }],
      [
        [red, '1'],
        ['😀', '2'],
        ['abc', '3'],
      ],
    ),
    ['a    b', `${red}   1`, '😀    2', 'abc  3'],
  )
})

test('no rows', () => {
  assert.deepEqual(formatTable([{ title: 'a' }, { title: 'b' }], []), ['a  b'])
})
