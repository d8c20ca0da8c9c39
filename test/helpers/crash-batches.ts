import { defineJob } from '../../src/jobs/index.ts'

/** The jobs of the crash test of batches: what they do happens exactly once, and leaves a row. */
const common = { maxAttempts: 1_000, maxCrashes: 1_000, backoff: { first: 1, jitter: 0, longest: 5 } }

export const crashBatches = {
  member: defineJob({
    name: 'member',
    ...common,
    async perform(isLast: boolean, job) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
      await job.complete((tx) => {
        tx.run('insert into effects (job) values (?)', [job.id])
      })
      // The likeliest moment for a mistake: the last job of a batch has ended.
      if (isLast && process.send && Math.random() < 0.2) process.kill(process.pid, 'SIGKILL')
    },
  }),
  /** A callback: notes which end of which batch it was called for. */
  closed: defineJob({
    name: 'closed',
    ...common,
    async perform(kind: string, job) {
      const batch = job.batch!
      await job.complete((tx) => {
        const { closings } = tx.get<{ closings: number }>(
          'select closings from handcar_job_batches where id = ?',
          [batch.id],
        )!
        tx.run('insert into calls (batch, closing, kind) values (?, ?, ?)', [batch.id, closings, kind])
        tx.run('insert into effects (job) values (?)', [job.id])
      })
    },
  }),
}

export const createTables = [
  'create table effects (id integer primary key, job integer not null unique) strict',
  'create table calls (batch integer, closing integer, kind text, primary key (batch, closing, kind)) strict',
]
