import { appendFileSync } from 'node:fs'
import { defineJob, type JobContext } from '../../src/jobs/index.ts'

/** Where a job kills its process. */
export const killPoints = [
  'before the first step',
  'in a step',
  'after a step',
  'in a write',
  'after a write',
  'in the body of a cursor',
  'after a cursor moved',
  'after a sleep',
  'after an event',
  'before the end',
] as const

/** What a job does outside the database, one line each: `job step key`. */
export type OutsideEffect = [job: string, step: string, key: string]

/**
 * The jobs of the crash tests of steps. They have effects outside the database (lines of a file) and in it (the table `effects`, which
 * takes each only once).
 */
export function crashSteps(outside: string) {
  const note = (job: JobContext, step: string, key: string): void =>
    appendFileSync(outside, `${job.id} ${step} ${key}\n`)

  const work = async (
    job: JobContext,
    isHere: (point: (typeof killPoints)[number]) => void,
  ): Promise<number> => {
    isHere('before the first step')
    const one = await job.step('1', ({ key }) => {
      note(job, '1', key)
      isHere('in a step')
      return 1
    })
    isHere('after a step')
    const two = await job.write('2', (tx) => {
      tx.run('insert into effects (job, effect) values (?, ?)', [job.id, '2'])
      isHere('in a write')
      return 2
    })
    isHere('after a write')
    const cursor = await job.cursor('rows', 0)
    while (cursor.value < 5) {
      const next = cursor.value + 1
      await cursor.save(next, (tx) => {
        tx.run('insert into effects (job, effect) values (?, ?)', [job.id, `row ${next}`])
        if (next === 3) isHere('in the body of a cursor')
      })
      if (next === 3) isHere('after a cursor moved')
    }
    await job.sleep('a moment', 5)
    isHere('after a sleep')
    const event = await job.waitForEvent<number>('answer', { event: `answer:${job.id}` })
    isHere('after an event')
    const [three] = await Promise.all([
      job.step('3', async ({ key }) => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        note(job, '3', key)
        return 3
      }),
      job.step('4', ({ key }) => note(job, '4', key)),
    ])
    isHere('before the end')
    return one + two + cursor.value + event! + three
  }

  return {
    /** Is killed by somebody else. */
    victim: defineJob({
      name: 'victim',
      maxCrashes: 1_000,
      backoff: { first: 1, jitter: 0 },
      perform: (_: undefined, job) => work(job, () => {}),
    }),
    /** Kills its process once, at a point. */
    suicide: defineJob({
      name: 'suicide',
      backoff: { first: 1, jitter: 0 },
      perform(wanted: (typeof killPoints)[number], job) {
        const isFirst = isFirstClaim(job)
        return work(job, (point) => {
          if (point === wanted && isFirst()) process.kill(process.pid, 'SIGKILL')
        })
      },
    }),
  }
}

/** Whether no process was killed by this job yet: its crashes are counted anew when it comes further, its errors are kept. */
function isFirstClaim(job: JobContext): () => boolean {
  const { database } = job
  return () => database.get('select 1 from handcar_job_errors where job_id = ?', [job.id]) === undefined
}

export const createStepEffects = `
  create table effects (job integer not null, effect text not null, primary key (job, effect)) strict, without rowid`
