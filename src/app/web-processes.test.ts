import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heapFlag, webProcesses } from './web-processes.ts'

const megabyte = 1_024 ** 2
const machine = (cores: number, megabytes: number) => () => ({ cores, memory: megabytes * megabyte })

test('as many processes as cores, but no more than the memory carries, and at least one', () => {
  assert.equal(webProcesses('auto', 'production', machine(4, 8_192)), 4)
  assert.equal(webProcesses('auto', 'production', machine(8, 512)), 3)
  assert.equal(webProcesses('auto', 'production', machine(2, 256)), 1)
  assert.equal(webProcesses('auto', 'production', machine(2, 64)), 1)
  assert.equal(webProcesses('auto', 'development', machine(8, 8_192)), 1)
  assert.equal(webProcesses(7, 'development', machine(1, 64)), 7)
})

test('a memory limit becomes a limit for each heap', () => {
  assert.equal(heapFlag(1, 256 * megabyte), '--max-old-space-size=130')
  assert.equal(heapFlag(4, 256 * megabyte), '--max-old-space-size=64')
  assert.equal(heapFlag(2, 1_024 * megabyte), '--max-old-space-size=321')
})
