import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WalPressure } from './wal-pressure.ts'

const megabyte = 1_024 ** 2
const pressure = (): WalPressure => new WalPressure({ walLimit: 64 * megabyte, longestPause: 1_000 })
const grown = (megabytes: number) => ({ bytes: megabytes * megabyte, isMoved: false })

test('writers pause above the limit, and go on when the WAL begins anew', () => {
  const wal = pressure()
  assert.equal(wal.look(grown(64), 0), undefined)
  assert.equal(wal.look(grown(65), 20), 'pause')
  assert.ok(wal.isPausing)
  assert.equal(wal.look(grown(66), 40), undefined)
  assert.equal(wal.look(grown(0), 60), 'resume')
  assert.ok(!wal.isPausing)
  assert.equal(wal.look(grown(64), 80), undefined)
  assert.equal(wal.look(grown(65), 100), 'pause', 'again at the same limit')
})

test('a WAL that is moved to its end begins anew with the next write, so nobody pauses for it', () => {
  const wal = pressure()
  assert.equal(wal.look({ bytes: 80 * megabyte, isMoved: true }, 0), undefined)
  assert.equal(wal.look(grown(81), 20), 'pause')
  assert.equal(wal.look({ bytes: 81 * megabyte, isMoved: true }, 40), 'resume')
})

test('after a second in vain writers go on, and pause again only when a further quarter was written', () => {
  const wal = pressure()
  assert.equal(wal.look(grown(70), 0), 'pause')
  assert.equal(wal.look(grown(70), 999), undefined)
  assert.equal(wal.look(grown(70), 1_000), 'give up')
  assert.equal(wal.look(grown(86), 5_000), undefined)
  assert.equal(wal.look(grown(87), 5_020), 'pause')
  assert.equal(wal.look(grown(87), 6_020), 'give up')
  assert.equal(wal.look(grown(103), 6_040), undefined)
  assert.equal(wal.look(grown(1), 6_060), undefined, 'it began anew by itself')
  assert.equal(wal.look(grown(65), 6_080), 'pause', 'the limit is the first one again')
})
