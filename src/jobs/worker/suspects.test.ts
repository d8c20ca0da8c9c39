import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jobsForTest } from '../../../test/helpers/jobs.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import { defineJob } from '../index.ts'

test('the last try before quarantine runs alone: it waits for the others, and they for it', async () => {
  const goOn = Promise.withResolvers<void>()
  const order: string[] = []
  const other = defineJob({
    name: 'other',
    async perform(name: string) {
      order.push(`${name} begins`)
      await goOn.promise
      await new Promise((resolve) => setTimeout(resolve, 5))
      order.push(`${name} ends`)
    },
  })
  const suspect = defineJob({
    name: 'suspect',
    async perform(name: string) {
      order.push(`${name} begins`)
      await new Promise((resolve) => setTimeout(resolve, 20))
      order.push(`${name} ends`)
    },
  })
  await using context = await jobsForTest([other, suspect])
  const { jobs, database } = context
  const first = await jobs.enqueue(other, 'first')
  await waitUntil('it runs', () => first.state() === 'running')
  const lasts = await database.write(async () => {
    const lasts = [await jobs.enqueue(suspect, 'a'), await jobs.enqueue(suspect, 'b')]
    await database.run('update handcar_jobs set crashes = 2 where name = ?', ['suspect'])
    return lasts
  })
  await waitUntil('they are claimed', () => lasts.every((last) => last.state() === 'running'))
  const second = await jobs.enqueue(other, 'second')
  goOn.resolve()
  await second.result({ timeout: '20s' })
  assert.deepEqual(order, [
    'first begins',
    'first ends',
    'a begins',
    'a ends',
    'b begins',
    'b ends',
    'second begins',
    'second ends',
  ])
})

test('one that waits to run alone can be cancelled, and is given back by a stop', async () => {
  const goOn = Promise.withResolvers<void>()
  const job = defineJob({ name: 'job', perform: () => goOn.promise })
  const suspect = defineJob({ name: 'suspect', perform: () => {} })
  const context = await jobsForTest([job, suspect])
  const { jobs, database } = context
  try {
    const first = await jobs.enqueue(job)
    await waitUntil('it runs', () => first.state() === 'running')
    const [cancelled, stopped] = await database.write(async () => {
      const both = await jobs.enqueueAll(suspect, [undefined, undefined])
      await database.run("update handcar_jobs set crashes = 2 where name = 'suspect'")
      return both
    })
    await waitUntil('they are claimed', () => stopped!.state() === 'running')
    await cancelled!.cancel('not needed')
    await waitUntil('it is cancelled', () => cancelled!.state() === 'cancelled')
    const stop = jobs.stop({ timeout: '10s' })
    await waitUntil(
      'it is given back',
      () =>
        database.get<{ state: string }>('select state from handcar_jobs where id = ?', [stopped!.id])!
          .state === 'available',
    )
    goOn.resolve()
    await stop
    assert.deepEqual(database.get('select attempt from handcar_jobs where id = ?', [stopped!.id]), {
      attempt: 0,
    })
  } finally {
    goOn.resolve()
    await context[Symbol.asyncDispose]()
  }
})
