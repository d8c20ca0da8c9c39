import { Jobs, type JobsOptions } from '../../jobs/index.ts'
import type { Database, DatabaseOptions } from '../../database/index.ts'
import { FakeClock } from '../fake-clock.ts'
import { temporaryDatabase } from '../temporary-database.ts'

/** Jobs for one test, and what they work with. */
export interface TemporaryJobs extends AsyncDisposable {
  readonly jobs: Jobs
  readonly database: Database
  readonly clock: FakeClock
}

/** Options of {@link temporaryJobs}: those of `Jobs`, and those of the database. */
export interface TemporaryJobsOptions extends Omit<JobsOptions, 'database' | 'clock'> {
  /** Default: in memory, without the app's migrations. */
  database?: Partial<DatabaseOptions>
  /** Default: one that begins in 2026. */
  clock?: FakeClock
}

/**
 * Started jobs on a temporary database, with a clock that stands still. They are performed when the test says so: by `performOne`,
 * `drainJobs` or `inlineJobs`. Both end with the block.
 *
 * ```ts
 * await using context = await temporaryJobs({ definitions: [welcome], database: { migrations: 'db/migrations' } })
 * const { jobs, database, clock } = context
 * ```
 */
export async function temporaryJobs({
  database: databaseOptions = {},
  clock = new FakeClock(),
  ...options
}: TemporaryJobsOptions = {}): Promise<TemporaryJobs> {
  const partMigrations = { jobs: Jobs.migrations, ...databaseOptions.partMigrations }
  const database = await temporaryDatabase({ ...databaseOptions, partMigrations })
  const jobs = new Jobs({ work: { begin: 'later' }, ...options, database, clock })
  try {
    await jobs.start()
  } catch (error) {
    await database.stop()
    throw error
  }
  return {
    jobs,
    database,
    clock,
    async [Symbol.asyncDispose]() {
      await jobs.stop({ timeout: 1_000 })
      await database.stop()
    },
  }
}
