import { Database } from '../../src/database/index.ts'
import type { RemoteJobContext } from '../../src/jobs/index.ts'

/** The module of a job with steps that runs in a thread or a process of its own. */
export default async function perform(
  payload: { what: string; path?: string },
  job: RemoteJobContext,
): Promise<unknown> {
  switch (payload.what) {
    case 'crash': {
      const first = await job.step('first', ({ key }) => ({ key, pid: process.pid }))
      await job.step('second', ({ attempt }) => {
        if (attempt === 1) process.exit(7)
      })
      return first
    }
    case 'crashes':
      for (const name of ['a', 'b', 'c']) {
        await job.step(name, ({ attempt }) => {
          if (attempt === 1) process.exit(7)
        })
      }
      return 'done'
    case 'fail':
      return [
        await job.step('first', () => Math.random()),
        await job.step('second', ({ attempt }) => {
          if (attempt < 3) throw new RangeError(`try ${attempt}`)
          return attempt
        }),
        job.attempt,
      ]
    case 'sleep':
      await job.sleep('a moment', 20)
      await job.sleepUntil('past', 1)
      return job.waitForEvent('answer', { event: `answer:${job.id}` })
    case 'cursor': {
      const cursor = await job.cursor('n', 0)
      while (cursor.value < 3) {
        await cursor.save(cursor.value + 1)
        if (cursor.value === 2) throw new Error('interrupted')
      }
      return cursor.value
    }
    case 'write': {
      await using database = new Database({ path: payload.path!, readers: false })
      await database.start()
      const target = { database }
      const id = await job.write(
        'insert',
        (tx) => tx.run("insert into notes (text) values ('written')").lastInsertRowid,
        target,
      )
      const cursor = await job.cursor('n', 0)
      await cursor.save(1, (tx) => tx.run("insert into notes (text) values ('moved')"), target)
      if (job.attempt === 1 && cursor.value === 1 && process.env['TEST'] === undefined) {
        process.env['TEST'] = 'again'
        throw new Error('again')
      }
      return Number(id)
    }
    case 'unset':
      await job.write('insert', () => {}, undefined as never)
      break
    case 'twice':
      await job.step('same', () => 1)
      await job.step('same', () => 2).catch(() => {})
      break
    case 'large':
      return job.step('large', () => 'x'.repeat(2_000))
    case 'gives up':
      return job
        .step('hopeless', () => Promise.reject(new RangeError('never')), {
          maxAttempts: 2,
          backoff: { first: 1 },
        })
        .catch((error: Error) => `${error.message} (${(error.cause as Error).name})`)
    case 'once':
      try {
        await job.step('once', () => process.exit(7), { maxAttempts: 1 })
      } catch (error) {
        return (error as Error).message
      }
      break
    case 'cancelled':
      await job.step(
        'long',
        ({ signal }) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
      )
      await job.step('never', () => 1)
  }
  return undefined
}
