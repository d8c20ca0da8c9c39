import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { jobsForTest } from '../../test/helpers/jobs.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import type { EnqueueMessage, FinishMessage, StartMessage } from './events.ts'
import { defineJob } from './index.ts'

test('events tell of the enqueue, the start and the end of each attempt', async () => {
  const heard: object[] = []
  const listen = (message: unknown, name: string | symbol): void => {
    const { duration: _, error, ...rest } = message as FinishMessage & StartMessage & EnqueueMessage
    heard.push({
      event: String(name).split('.')[2],
      ...rest,
      ...(error instanceof Error && { error: error.message }),
    })
  }
  const names = ['handcar.jobs.enqueue', 'handcar.jobs.start', 'handcar.jobs.finish']
  for (const name of names) subscribe(name, listen)
  const job = defineJob({
    name: 'job',
    perform(fails: boolean) {
      if (fails) throw new Error('no')
    },
  })
  await using context = await jobsForTest([job])
  await (await context.jobs.enqueue(job, false)).result()
  await context.jobs.enqueue(job, true, { queue: 'other' })
  await waitUntil('all was heard', () => heard.length === 6)
  for (const name of names) unsubscribe(name, listen)
  const first = { id: 1, name: 'job', queue: 'default' }
  const second = { id: 2, name: 'job', queue: 'other' }
  assert.deepEqual(heard, [
    { event: 'enqueue', ...first },
    { event: 'start', ...first, attempt: 1 },
    { event: 'finish', ...first, attempt: 1, state: 'completed' },
    { event: 'enqueue', ...second },
    { event: 'start', ...second, attempt: 1 },
    { event: 'finish', ...second, attempt: 1, state: 'retryable', error: 'no' },
  ])
})

test('each of many jobs that are enqueued at once is told of; one that was not enqueued is not', async () => {
  const heard: EnqueueMessage[] = []
  const listen = (message: unknown): void => void heard.push(message as EnqueueMessage)
  const plain = defineJob({ name: 'plain', perform: (n: number) => n })
  const unique = defineJob({ name: 'unique', unique: (n: number) => String(n % 2), perform: () => {} })
  await using context = await jobsForTest([plain, unique], { work: false })
  subscribe('handcar.jobs.enqueue', listen)
  await context.jobs.enqueueAll(plain, [1, 2], { queue: 'other' })
  await context.jobs.enqueueAll(unique, [1, 2, 3])
  unsubscribe('handcar.jobs.enqueue', listen)
  assert.deepEqual(heard, [
    { id: 1, name: 'plain', queue: 'other' },
    { id: 2, name: 'plain', queue: 'other' },
    { id: 3, name: 'unique', queue: 'default' },
    { id: 4, name: 'unique', queue: 'default' },
  ])
})

test('the context of a trace goes from the enqueue to the attempt', async () => {
  const storage = new AsyncLocalStorage<string>()
  const trace = {
    capture: () => storage.getStore(),
    run: <Result>(text: string, perform: () => Result) => storage.run(text, perform),
  }
  const job = defineJob({
    name: 'job',
    async perform() {
      await Promise.resolve()
      return storage.getStore() ?? 'none'
    },
  })
  await using context = await jobsForTest([job], { trace })
  const traced = await storage.run('request 1', () => context.jobs.enqueue(job))
  assert.equal(await traced.result(), 'request 1')
  assert.equal(await (await context.jobs.enqueue(job)).result(), 'none')
})
