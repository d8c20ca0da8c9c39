import { AsyncLocalStorage } from 'node:async_hooks'
import { engineOf, type Jobs } from '../../jobs/index.ts'

type Enqueue = (...parameters: never[]) => Promise<unknown>

/**
 * Performs jobs as soon as they are enqueued, until the end of the block. `enqueue` and `enqueueAll` resolve when their jobs, and
 * all that these enqueue, have been performed. Jobs that are enqueued inside a transaction are performed right after its commit:
 * wait for them with `jobs.drain()`.
 *
 * ```ts
 * await using inline = await inlineJobs(jobs)
 * await jobs.enqueue(welcome, { userId: 1 })   // the mail was sent
 * ```
 */
export async function inlineJobs(jobs: Jobs): Promise<AsyncDisposable> {
  const performing = new AsyncLocalStorage<true>()
  const { database } = engineOf(jobs)
  // Whatever is performed inherits the context in which the work was begun.
  await performing.run(true, () => jobs.work())
  for (const name of ['enqueue', 'enqueueAll'] as const) {
    const enqueue = jobs[name].bind(jobs) as Enqueue
    const waits: Enqueue = (...parameters) => {
      const enqueued = enqueue(...parameters)
      if (database.transaction !== undefined || performing.getStore()) return enqueued
      return enqueued.then(async (result) => {
        await jobs.drain()
        return result
      })
    }
    Object.defineProperty(jobs, name, { value: waits, configurable: true })
  }
  return {
    async [Symbol.asyncDispose]() {
      Reflect.deleteProperty(jobs, 'enqueue')
      Reflect.deleteProperty(jobs, 'enqueueAll')
      await jobs.rest({ timeout: 1_000 })
    },
  }
}
