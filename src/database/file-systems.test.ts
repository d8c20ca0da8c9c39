import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileSystemOf } from './file-systems.ts'

test('file systems are told apart by their type, also where the number comes with a sign', () => {
  const kinds: Record<string, number[]> = {
    local: [0xef53, 0x58465342, 0x9123683e | 0],
    network: [0x6969, 0x517b, 0xff534d42, 0xff534d42 | 0, 0xfe534d42, 0x01021997],
    foreign: [0x65735546],
    memory: [0x01021994, 0x858458f6, 0x858458f6 | 0],
    layered: [0x794c7630],
  }
  for (const [kind, types] of Object.entries(kinds))
    for (const type of types) assert.equal(fileSystemOf(type)?.kind, kind, type.toString(16))
  assert.equal(fileSystemOf(0x1234), undefined)
})
