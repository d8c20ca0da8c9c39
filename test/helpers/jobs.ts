import type { Database } from '../../src/database/index.ts'
import { Jobs, type AnyJobDefinition, type JobsOptions } from '../../src/jobs/index.ts'
import { temporaryDatabase } from '../../src/testing/index.ts'
import { recordingLogger, type RecordingLogger } from './recording-logger.ts'

/** Started jobs on a database of their own. */
export interface JobsForTest extends AsyncDisposable {
  readonly jobs: Jobs
  readonly database: Database
  readonly logger: RecordingLogger
}

/** Starts jobs that work, on a database in memory; both end with the block. */
export async function jobsForTest(
  definitions: readonly AnyJobDefinition[],
  options: Partial<JobsOptions> = {},
): Promise<JobsForTest> {
  const database =
    options.database ??
    (await temporaryDatabase({ partMigrations: { jobs: Jobs.migrations }, readers: false }))
  const logger = recordingLogger()
  const jobs = new Jobs({ work: true, logger, definitions, ...options, database })
  await jobs.start()
  return {
    jobs,
    database,
    logger,
    async [Symbol.asyncDispose]() {
      await jobs.stop({ timeout: 500 })
      if (options.database === undefined) await database.stop()
    },
  }
}
