import { existsSync } from 'node:fs'
import { HandcarError, type ErrorCode } from '../core/index.ts'

/** What the opening of a part fails with when the migrations have not run. */
const noTables = new Set<ErrorCode | undefined>([
  'HANDCAR_JOBS_TABLES',
  'HANDCAR_CACHE_TABLES',
  'HANDCAR_REALTIME_TABLES',
])

/** How a database comes to be that is not there. */
export const byMigrating = 'Create it by `handcar migrate`, or by starting the app.'
/** How a file comes to be that the app has to create itself. */
export const byStarting = 'Create it by starting the app.'

/**
 * Refuses to go on without a file: a command that looks at an app creates none.
 *
 * @param what The file is: `database`, `cache`.
 * @throws HandcarError `HANDCAR_DATABASE_PATH`
 */
export function assertExists(path: string, what: string, fix: string): void {
  if (existsSync(path)) return
  throw new HandcarError('HANDCAR_DATABASE_PATH', `There is no ${what} ${path} yet`, { fix })
}

/** Opens what stands on something that is open already; when that fails it is stopped, and tables that are missing get their cure. */
export async function openOn<Opened>(
  base: { stop(): Promise<void> },
  open: () => Opened | Promise<Opened>,
): Promise<Opened> {
  try {
    return await open()
  } catch (error) {
    await base.stop()
    throw withCure(error)
  }
}

function withCure(error: unknown): unknown {
  const { code, message } = error as Partial<HandcarError>
  if (code === undefined || !noTables.has(code)) return error
  return new HandcarError(code, message!, {
    fix: 'Create them by `handcar migrate`, or by starting the app.',
  })
}
