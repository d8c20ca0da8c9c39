import assert from 'node:assert/strict'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { commandOf, cpuSeconds, hasProc, memoryOf, numberAfter, ticksOf, treeOf, wakeUps } from './proc.ts'

const skip = !hasProc() && 'needs /proc'

test('user and system time are found behind a name that looks like fields', () => {
  const stat = '7 (a) b (c) S 1 7 7 0 -1 4194560 100 200 0 0 31 11 5 6 20 0 1 0 500 0 0'
  assert.equal(ticksOf(stat), 42)
})

test('a number is found by the name at the beginning of its line', () => {
  const io = 'cancelled_write_bytes: 1\nwrite_bytes: 4096\n'
  assert.equal(numberAfter(io, 'write_bytes'), 4096)
  assert.throws(() => numberAfter(io, 'read_bytes'), /no read_bytes/)
})

test('this process has used time and memory, and has waited', { skip }, () => {
  const { rss, pss, own } = memoryOf(process.pid)
  assert.ok(rss >= pss && pss >= own && own > 1024 ** 2)
  assert.ok(cpuSeconds(process.pid) > 0)
  assert.ok(wakeUps(process.pid) > 0)
})

test('a tree has the children of its children', { skip }, async () => {
  const shell = spawn('sh', ['-c', 'sleep 60 & echo; wait'], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(shell.stdout, 'data')
  const [first, second, ...others] = treeOf(shell.pid!)
  assert.equal(first, shell.pid)
  assert.deepEqual(others, [])
  // Between fork and exec it is still called after the shell.
  assert.match(commandOf(second!).join(' '), /sleep 60/)
  process.kill(second!)
  await once(shell, 'exit')
})
