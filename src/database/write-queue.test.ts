import assert from 'node:assert/strict'
import { AsyncResource } from 'node:async_hooks'
import { test } from 'node:test'
import { WriteQueue, type QueuedWrite } from './write-queue.ts'

/** A queued write that records how it was answered. */
function queued(label: string, answers: string[] = []): QueuedWrite {
  return {
    body: () => {},
    label,
    callSite: undefined,
    durability: 'os',
    queuedAt: 0,
    deadline: 0,
    context: new AsyncResource('test'),
    resolve: () => answers.push(`${label} resolved`),
    reject: (error) => answers.push(`${label} ${String(error)}`),
    isWaiting: true,
  }
}

test('first in, first out, over many times its memory', () => {
  const queue = new WriteQueue()
  let taken = 0
  for (let pushed = 0; pushed < 10_000; pushed++) {
    queue.push(queued(String(pushed)))
    if (pushed % 3 > 0) assert.equal(queue.shift()?.label, String(taken++))
  }
  while (queue.length > 0) assert.equal(queue.shift()?.label, String(taken++))
  assert.equal(taken, 10_000)
  assert.equal(queue.shift(), undefined)
})

test('a write that is dropped is answered once and passed over', () => {
  const answers: string[] = []
  const queue = new WriteQueue()
  const writes = ['a', 'b', 'c'].map((label) => queued(label, answers))
  for (const write of writes) queue.push(write)
  queue.drop(writes[0]!, 'late')
  queue.drop(writes[0]!, 'again')
  queue.drop(writes[1]!, 'late')
  assert.equal(queue.length, 1)
  assert.equal(queue.shift()?.label, 'c')
  assert.deepEqual(answers, ['a late', 'b late'])
})

test('a write that was taken cannot be dropped, and does not count', () => {
  const answers: string[] = []
  const queue = new WriteQueue()
  queue.push(queued('a', answers))
  const taken = queue.shift()!
  queue.drop(taken, 'late')
  queue.dropWhere(
    () => true,
    () => 'late',
  )
  assert.deepEqual([queue.length, answers], [0, []])
})

test('dropWhere answers those that it names, each with an error of its own', () => {
  const answers: string[] = []
  const queue = new WriteQueue()
  for (const label of ['a', 'b', 'c', 'd']) queue.push(queued(label, answers))
  queue.dropWhere(
    ({ label }) => label < 'c',
    ({ label }) => `over ${label}`,
  )
  assert.deepEqual(answers, ['a over a', 'b over b'])
  assert.deepEqual([queue.shift()?.label, queue.shift()?.label, queue.length], ['c', 'd', 0])
})
