import { userInfo } from 'node:os'
import { Handcar, loadConfig } from '../../app/index.ts'
import { standardLogger, StateError } from '../../core/index.ts'
import { Database } from '../../database/index.ts'
import { Jobs } from '../../jobs/index.ts'
import type { CommandContext } from '../command.ts'
import { assertExists, byMigrating, openOn } from '../open-part.ts'

/** The jobs of an app, opened from outside: nothing is performed. They are closed at the end of the block. */
export interface OpenJobs extends AsyncDisposable {
  readonly jobs: Jobs
}

/**
 * Opens the jobs of an app, whether it runs or not, without loading its code: what is wrong with that must not keep anybody from
 * looking after jobs.
 *
 * @throws HandcarError `HANDCAR_DATABASE_PATH`, `HANDCAR_JOBS_TABLES`
 */
export async function openJobs({ folder }: CommandContext, { readOnly = false } = {}): Promise<OpenJobs> {
  const { database: options } = await loadConfig(folder)
  assertExists(options.path, 'database', byMigrating)
  const database = new Database({ ...options, migrations: undefined, readOnly, slowQuery: '1d' })
  await database.start()
  return await openOn(database, async () => {
    const jobs = new Jobs({ database, work: false })
    await jobs.start()
    return {
      jobs,
      async [Symbol.asyncDispose]() {
        await jobs.stop()
        await database.stop()
      },
    }
  })
}

/** Opens the jobs of an app with its code, for what needs the definitions: schemas, and recurring jobs. */
export async function openJobsWithCode({ folder }: CommandContext): Promise<OpenJobs> {
  const config = await loadConfig(folder)
  assertExists(config.database.path, 'database', byMigrating)
  process.chdir(config.folder)
  const handcar = new Handcar(config, { role: 'script', logger: standardLogger })
  await handcar.start()
  return await openOn(handcar, () => {
    if (handcar.jobs.state !== 'started')
      throw new StateError(
        'HANDCAR_JOBS_TABLES',
        `The database ${config.database.path} has no tables for jobs`,
      )
    return { jobs: handcar.jobs, [Symbol.asyncDispose]: () => handcar.stop() }
  })
}

/** Who runs the command, for the logs of the jobs. */
export function whoActs({ environment }: CommandContext): string {
  return `${environment['SUDO_USER'] ?? nameOfUser()} (handcar jobs)`
}

function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.()}`
  }
}
