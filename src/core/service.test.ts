import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codeOf } from '../../test/helpers/errors.ts'
import { Service } from './service.ts'

/** Opens and closes when the test says so. */
class Door extends Service {
  readonly calls: string[] = []
  opening = Promise.withResolvers<void>()
  closing = Promise.withResolvers<void>()

  constructor() {
    super(1_000)
  }

  protected open(): Promise<void> {
    this.calls.push('open')
    return this.opening.promise
  }

  protected close(timeout: number): Promise<void> {
    this.calls.push(`close ${timeout}`)
    return this.closing.promise
  }
}

const startedDoor = async (): Promise<Door> => {
  const door = new Door()
  door.opening.resolve()
  await door.start()
  return door
}

test('constructing opens nothing, and stop() before start() does nothing', async () => {
  const door = new Door()
  await door.stop()
  assert.deepEqual([door.state, door.calls], ['stopped', []])
})

test('callers of start() share one run; so do callers of stop()', async () => {
  const door = new Door()
  const starts = [door.start(), door.start(), door.start()]
  assert.equal(door.state, 'starting')
  door.opening.resolve()
  await Promise.all(starts)
  await door.start()
  assert.equal(door.state, 'started')
  const stops = [door.stop(), door.stop({ timeout: '2s' })]
  assert.equal(door.state, 'stopping')
  door.closing.resolve()
  await Promise.all(stops)
  await door.stop()
  assert.deepEqual([door.state, door.calls], ['stopped', ['open', 'close 1000']])
})

test('a failed start reaches every caller and can be tried again', async () => {
  const door = new Door()
  const starts = [door.start(), door.start()]
  door.opening.reject(new Error('no door'))
  for (const start of starts) await assert.rejects(start, /no door/)
  assert.equal(door.state, 'stopped')
  door.opening = Promise.withResolvers()
  door.opening.resolve()
  await door.start()
  assert.deepEqual([door.state, door.calls], ['started', ['open', 'open']])
})

test('an open() that throws at once counts as a failed start', async () => {
  class Broken extends Door {
    protected override open(): Promise<void> {
      throw new Error('broken')
    }
  }
  const door = new Broken()
  await assert.rejects(door.start(), /broken/)
  assert.equal(door.state, 'stopped')
})

test('stop() during start() waits for it, then stops', async () => {
  const door = new Door()
  const start = door.start()
  const stop = door.stop()
  door.closing.resolve()
  door.opening.resolve()
  await Promise.all([start, stop])
  assert.deepEqual([door.state, door.calls], ['stopped', ['open', 'close 1000']])
})

test('stop() during a start() that fails does not fail', async () => {
  const door = new Door()
  const start = door.start()
  const stop = door.stop()
  door.opening.reject(new Error('no door'))
  await assert.rejects(start)
  await stop
  assert.deepEqual([door.state, door.calls], ['stopped', ['open']])
})

test('start() during stop() waits for it, then starts again', async () => {
  const door = await startedDoor()
  const stop = door.stop()
  const starts = [door.start(), door.start()]
  door.closing.resolve()
  await Promise.all([stop, ...starts])
  assert.deepEqual([door.state, door.calls], ['started', ['open', 'close 1000', 'open']])
})

test('start() during a stop() that fails starts again: the failure is the business of who stopped', async () => {
  const door = await startedDoor()
  const stop = door.stop()
  const start = door.start()
  door.closing.reject(new Error('stuck'))
  await assert.rejects(stop, /stuck/)
  await start
  assert.equal(door.state, 'started')
})

test('`await using` stops; a wrong timeout is refused', async () => {
  const door = await startedDoor()
  assert.equal(await codeOf(() => door.stop({ timeout: -1 })), 'HANDCAR_OPTION_INVALID')
  assert.equal(await codeOf(() => door.stop({ timout: 1 } as object)), 'HANDCAR_OPTION_UNKNOWN')
  door.closing.resolve()
  {
    await using held = door
    assert.equal(held.state, 'started')
  }
  assert.equal(door.state, 'stopped')
})
