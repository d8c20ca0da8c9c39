import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Handcar, loadConfig } from '../../app/index.ts'
import { HandcarError, standardLogger } from '../../core/index.ts'
import { Database } from '../../database/index.ts'
import { Jobs } from '../../jobs/index.ts'
import type { CommandContext } from '../command.ts'

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
  assertExists(options.path)
  const database = new Database({ ...options, migrations: undefined, readOnly, slowQuery: '1d' })
  await database.start()
  const jobs = new Jobs({ database, work: false })
  try {
    await jobs.start()
  } catch (error) {
    await database.stop()
    throw withCure(error)
  }
  return {
    jobs,
    async [Symbol.asyncDispose]() {
      await jobs.stop()
      await database.stop()
    },
  }
}

/** Opens the jobs of an app with its code, for what needs the definitions: schemas, and recurring jobs. */
export async function openJobsWithCode({ folder }: CommandContext): Promise<OpenJobs> {
  const config = await loadConfig(folder)
  assertExists(config.database.path)
  process.chdir(config.folder)
  const handcar = new Handcar(config, { role: 'script', logger: standardLogger })
  await handcar.start()
  if (handcar.jobs.state !== 'started') {
    await handcar.stop()
    throw withCure({
      code: 'HANDCAR_JOBS_TABLES',
      message: `The database ${config.database.path} has no tables for jobs`,
    })
  }
  return { jobs: handcar.jobs, [Symbol.asyncDispose]: () => handcar.stop() }
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

function withCure(error: unknown): unknown {
  const { code, message } = error as Partial<HandcarError>
  if (code !== 'HANDCAR_JOBS_TABLES') return error
  return new HandcarError(code, message!, {
    fix: 'Create them by `handcar migrate`, or by starting the app.',
  })
}

function assertExists(path: string): void {
  if (existsSync(path)) return
  throw new HandcarError('HANDCAR_DATABASE_PATH', `There is no database ${path} yet`, {
    fix: 'Create it by `handcar migrate`, or by starting the app.',
  })
}
