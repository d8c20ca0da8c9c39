import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { defineEvent } from './events.ts'

test('an event reaches who subscribed to its name, and only while somebody does', () => {
  const event = defineEvent<{ amount: number }>('handcar.test.happened')
  const received: unknown[] = []
  const listener = (message: unknown) => void received.push(message)
  assert.equal(event.hasSubscribers, false)
  subscribe('handcar.test.happened', listener)
  assert.equal(event.hasSubscribers, true)
  event.publish({ amount: 1 })
  unsubscribe('handcar.test.happened', listener)
  event.publish({ amount: 2 })
  assert.deepEqual(received, [{ amount: 1 }])
})
