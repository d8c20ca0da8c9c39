import { pathToFileURL } from 'node:url'
import { HandcarError, type Logger } from '../core/index.ts'
import { existingApp } from './app-module.ts'
import { createBranch } from './branch.ts'
import { prepareDataFolder } from './data-folder.ts'
import { Handcar } from './handcar.ts'
import { manifestOf, type Manifest } from './manifest.ts'
import type { ResolvedConfig } from './resolve-config.ts'
import { restoreMissing } from './restore.ts'
import { snapshotBeforeMigrations } from './snapshots.ts'

/** The default export of the module that the setting `prepare` names. */
export type PrepareHook = (handcar: Handcar) => void | Promise<void>

/**
 * Makes everything ready for the processes of a release: the data folder, a database from the backup where there is none, a snapshot
 * before migrations, the migrations, and what the app itself prepares.
 * Processes of the release before may serve meanwhile, on the same database.
 *
 * The database is closed again. No database of this file may be open in this process at the same time: closing a descriptor of
 * a file takes the locks of the whole process with it (POSIX).
 *
 * @throws HandcarError; MigrationError
 */
export async function prepareRelease(
  config: ResolvedConfig,
  { logger, progress = () => {} }: { logger: Logger; progress?: (message: string) => void },
): Promise<Manifest> {
  existingApp(config)
  await createBranch(config, progress)
  const data = prepareDataFolder(config)
  await restoreMissing(config, { logger, progress })
  await snapshotBeforeMigrations(config, { logger, progress })
  const database = { ...config.database, readers: false, checkpointer: false } as const
  // The first release is prepared by the supervisor, which imports no more of the app than it must.
  const { definitions, ...jobs } = config.jobs
  const withJobs = config.prepare !== undefined && definitions !== undefined ? { ...jobs, definitions } : jobs
  await using handcar = new Handcar({ ...config, database, jobs: withJobs }, { migrate: true, logger })
  progress('running the migrations')
  await handcar.start()
  if (config.prepare !== undefined) {
    progress(`running ${config.prepare}`)
    await runHook(config.prepare, handcar)
  }
  return manifestOf(config, data)
}

async function runHook(file: string, handcar: Handcar): Promise<void> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: PrepareHook }
    if (typeof module.default !== 'function') throw new TypeError('it has no default export (handcar) => …')
    await module.default(handcar)
  } catch (cause) {
    throw new HandcarError('HANDCAR_PREPARE_FAILED', `${file} failed: ${String(cause)}`, { cause })
  }
}
