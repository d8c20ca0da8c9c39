import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { socketPath } from './socket-path.ts'

test('the socket lies where it is wished', () => {
  assert.equal(socketPath('/data/app.sqlite3.coordinator'), '/data/app.sqlite3.coordinator')
})

test('where that would be too long it lies in the temporary folder, at a place of its own', () => {
  const [one, other] = ['a', 'b'].map((name) => socketPath(`/data/${'x'.repeat(100)}/${name}.sqlite3`))
  assert.ok(one!.startsWith(tmpdir()) && Buffer.byteLength(one!) <= 100)
  assert.notEqual(one, other)
  assert.ok(socketPath(`/data/${'ü'.repeat(50)}`).startsWith(tmpdir()), 'bytes count, not characters')
})
