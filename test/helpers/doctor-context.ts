import { mkdirSync } from 'node:fs'
import type { DoctorContext } from '../../src/cli/doctor/context.ts'
import { statOf } from '../../src/cli/doctor/system-file.ts'
import { Inspector } from '../../src/database/index.ts'
import type { TemporaryFolder } from './temporary-folder.ts'

/** What the checks of `handcar doctor` see in a test: an app in `folder` with its data in `folder/data`. */
export function doctorContext(
  folder: TemporaryFolder,
  overrides: Partial<DoctorContext> = {},
): DoctorContext & Disposable {
  mkdirSync(folder.file('data'), { recursive: true, mode: 0o750 })
  const databasePath = folder.file('data/app.sqlite3')
  const inspector = statOf(databasePath) ? new Inspector(databasePath) : undefined
  return {
    folder: folder.path,
    environment: process.env,
    problem: undefined,
    configurationFile: undefined,
    environmentName: 'production',
    dataFolder: folder.file('data'),
    databasePath,
    cachePath: folder.file('data/cache.sqlite3'),
    mostClients: undefined,
    backup: undefined,
    verification: undefined,
    migrationsFolder: undefined,
    listen: undefined,
    processes: 1,
    running: undefined,
    inspector,
    databaseProblem: undefined,
    isFull: false,
    ...overrides,
    [Symbol.dispose]: () => inspector?.[Symbol.dispose](),
  }
}
