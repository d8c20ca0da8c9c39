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

export const createRuns = 'create table runs (job integer, attempt integer, pid integer) strict'
