import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Loop } from './engine.ts'
import { Loops } from './loops.ts'

function recorded(names: string[], told: string[] = [], failing: Set<string> = new Set()) {
  const loops = names.map((name): Loop => ({
    async start() {
      await Promise.resolve()
      if (failing.has(name)) throw new Error(`${name} fails`)
      told.push(`+${name}`)
    },
    async stop() {
      await Promise.resolve()
      told.push(`-${name}`)
    },
  }))
  return { loops: new Loops(loops), told, failing }
}

test('they begin in order and end in reverse, once, however often that is asked for', async () => {
  const { loops, told } = recorded(['a', 'b'])
  await Promise.all([loops.start(), loops.start()])
  await Promise.all([loops.stop(10), loops.stop(0)])
  await loops.stop(0)
  assert.deepEqual(told, ['+a', '+b', '-b', '-a'])
})

test('a stop waits for the start before it, and a start for the stop', async () => {
  const { loops, told } = recorded(['a', 'b'])
  void loops.start()
  void loops.stop(0)
  await loops.start()
  assert.deepEqual(told, ['+a', '+b', '-b', '-a', '+a', '+b'])
})

test('when one cannot begin those before it end, and it may be tried again', async () => {
  const { loops, told, failing } = recorded(['a', 'b'], [], new Set(['b']))
  await assert.rejects(() => loops.start(), /b fails/)
  await loops.stop(0)
  assert.deepEqual(told, ['+a', '-a'])
  failing.clear()
  await loops.start()
  assert.deepEqual(told, ['+a', '-a', '+a', '+b'])
})
