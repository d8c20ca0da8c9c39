import type { Database } from '../../src/database/index.ts'
import { defineJob } from '../../src/jobs/index.ts'

/** The jobs of the crash tests: they write down in the table `runs` that they run. */
export function crashJobs(database: Database) {
  const note = (job: { id: number; attempt: number }) =>
    database.run('insert into runs (job, attempt, pid) values (?, ?, ?)', [job.id, job.attempt, process.pid])
  return {
    /** Never ends in a process of its own; ends at once in the process of the test. */
    hang: defineJob({
      name: 'hang',
      limit: { count: 3 },
      async perform(isTest: boolean, job) {
        await note(job)
        if (!process.send || isTest) return
        await new Promise(() => {})
      },
    }),
    /** Has an effect in the database, exactly once; two of a key never at once. */
    effect: defineJob({
      name: 'effect',
      maxAttempts: 1_000,
      maxCrashes: 1_000,
      backoff: { first: 1, jitter: 0, longest: 5 },
      limit: { key: ({ key }: { key: number }) => String(key), count: 1 },
      async perform({ key }: { key: number }, job) {
        await note(job)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
        await job.complete((tx) => {
          tx.run('insert into effects (job, key) values (?, ?)', [job.id, key])
        })
      },
    }),
    /** Kills its process. */
    kill: defineJob({
      name: 'kill',
      backoff: { first: 1, jitter: 0 },
      async perform(_: undefined, job) {
        await note(job)
        process.kill(process.pid, 'SIGKILL')
        await new Promise(() => {})
      },
    }),
    /** Kills its process, and must not run again. */
    once: defineJob({
      name: 'once',
      onCrash: 'discard',
      async perform(_: undefined, job) {
        await note(job)
        process.kill(process.pid, 'SIGKILL')
        await new Promise(() => {})
      },
    }),
  }
}

export const createRuns = `
  create table if not exists runs (job integer, attempt integer, pid integer, primary key (job, attempt)) strict;`

export const createEffects = 'create table effects (job integer primary key, key integer) strict'
