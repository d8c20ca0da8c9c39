import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { isSafeVersion } from '../../database/index.ts'

const run = promisify(execFile)

/**
 * Path of the system's `sqlite3`, if it is new enough to be let near a database that an app has open: versions before
 * 3.51.3 can damage one in WAL mode when they checkpoint it.
 */
export async function findSqlite(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (environment['PATH'] ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, 'sqlite3')
    const isProgram = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isProgram) return (await isSafe(path, environment)) ? path : undefined
  }
  return undefined
}

async function isSafe(path: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const { stdout } = await run(path, ['--version'], { env: environment, timeout: 5_000 }).catch(() => ({
    stdout: '',
  }))
  const version = /^\d+\.\d+\.\d+/.exec(stdout)?.[0]
  return version !== undefined && isSafeVersion(version)
}

/**
 * Replaces this process by SQLite's shell, which then owns the terminal and its signals. The shell waits for locks and
 * checks foreign keys, as handcar's connections do and it would not by itself.
 */
export function becomeSqlite(
  program: string,
  database: string,
  write: boolean,
  environment: NodeJS.ProcessEnv,
): void {
  const settings = ['-cmd', '.timeout 5000', '-cmd', 'pragma foreign_keys = on']
  process.execve!(program, ['sqlite3', ...settings, ...(write ? [] : ['-readonly']), database], environment)
}
