import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseRestores, spanOf } from './moments.ts'
import { readGenerations } from './ranges-0.3.ts'
import { readLtxFiles } from './ranges-0.5.ts'

const at = (time: string): number => Date.parse(`2026-11-20T${time}Z`)
const printed = `name    generation        lag     start                 end
folder  85993c68c0cf0887  -199ms  2026-11-20T10:00:00Z  2026-11-20T10:30:00Z
folder  0000000000000abc  1h2m3s  2026-11-20T11:00:00Z  2026-11-20T11:00:09Z
`

test('the generations of Litestream 0.3: times are cut, so the end is a second later', () => {
  assert.deepEqual(readGenerations(printed), [
    { generation: '85993c68c0cf0887', from: at('10:00:00'), to: at('10:30:01') },
    { generation: '0000000000000abc', from: at('11:00:00'), to: at('11:00:10') },
  ])
  assert.deepEqual(readGenerations('name  generation  lag  start  end\n'), [])
})

test('the files of Litestream 0.5: from the first that begins with the first transaction', () => {
  const file = (min: number, time: string) => ({
    level: 0,
    min_txid: String(min).padStart(16, '0'),
    max_txid: '000000000000000f',
    timestamp: new Date(at(time)).toISOString(),
  })
  const files = [file(7, '09:00:00'), file(1, '10:00:00'), file(8, '10:05:00'), file(1, '12:00:00')]
  assert.deepEqual(readLtxFiles(JSON.stringify(files)), [{ from: at('10:00:00'), to: at('12:00:01') }])
  assert.deepEqual(readLtxFiles(JSON.stringify([file(7, '09:00:00')])), [], 'nothing begins with the first')
  for (const none of ['[]', 'null', '']) assert.deepEqual(readLtxFiles(none), [])
})

test('the newest state that is not younger is chosen', () => {
  const ranges = readGenerations(printed)
  const [first, second] = ranges
  const chosen = (time: string | undefined) =>
    chooseRestores(ranges, time === undefined ? undefined : at(time))
  assert.deepEqual(chosen(undefined), [{ range: second, timestamp: undefined }])
  assert.deepEqual(chosen('10:15:00'), [{ range: first, timestamp: at('10:15:00') }])
  const gap = { from: at('10:30:01'), until: at('11:00:00') }
  assert.deepEqual(
    chosen('10:45:00'),
    [{ range: first, timestamp: undefined, hole: gap }],
    'in a gap its last state',
  )
  assert.deepEqual(chosen('11:00:05'), [{ range: second, timestamp: at('11:00:05') }])
  const end = { from: at('11:00:10'), until: undefined }
  assert.deepEqual(
    chosen('23:00:00'),
    [{ range: second, timestamp: undefined, hole: end }],
    'after the last write',
  )
  assert.deepEqual(chosen('09:59:59'), [])
  assert.deepEqual(chooseRestores([], undefined), [])
  assert.deepEqual(spanOf(ranges), { from: at('10:00:00'), to: at('11:00:10') })
  assert.equal(spanOf([]), undefined)
})

test('in the second in which a history begins, the one before it is the next best', () => {
  const [first, second] = readGenerations(printed)
  const chosen = (moment: number) => chooseRestores([first!, second!], moment)
  assert.deepEqual(chosen(at('11:00:00') + 999), [
    { range: second, timestamp: at('11:00:00') + 999 },
    { range: first, timestamp: undefined, hole: { from: at('10:30:01'), until: undefined } },
  ])
  assert.deepEqual(chosen(at('11:00:01')), [{ range: second, timestamp: at('11:00:01') }])
  assert.deepEqual(chosen(at('10:00:00') + 500), [{ range: first, timestamp: at('10:00:00') + 500 }])
  const longer = { ...second!, to: second!.to + 1 }
  assert.deepEqual(chooseRestores([second!, longer], at('11:30:00')), [
    { range: longer, timestamp: undefined, hole: { from: longer.to, until: undefined } },
  ])
})
