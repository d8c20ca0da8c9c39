import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  loadConfig,
  plannedReplication,
  readVerifications,
  replicates,
  type ResolvedConfig,
} from '../../app/index.ts'
import type { ReplicationStatus } from '../../backup/index.ts'
import { Inspector } from '../../database/index.ts'
import { resolveRealtimeSettings } from '../../realtime/index.ts'
import { control, type TreeStatus } from '../../supervisor/index.ts'
import type { CommandContext } from '../command.ts'
import { statOf } from './system-file.ts'

/** What the checks may know of the app. */
export interface DoctorContext {
  /** The app's folder. */
  folder: string
  environment: NodeJS.ProcessEnv
  /** Why the configuration cannot be used; the rest is then the defaults. */
  problem: Error | undefined
  /** `undefined` when there is none. */
  configurationFile: string | undefined
  /** `production`, `development` or `test`. */
  environmentName: string
  dataFolder: string
  databasePath: string
  cachePath: string
  /** How many clients of realtime a process takes; `undefined` when the app has no channels. */
  mostClients: number | undefined
  /** Finds out how the app is backed up; `undefined` when it is not. */
  backup: (() => Promise<ReplicationStatus>) | undefined
  /** Finds out what is to be worried about in the verifications of the backup; `undefined` when there is none. */
  verification: (() => Promise<string | undefined>) | undefined
  /** `undefined` when the app has none. */
  migrationsFolder: string | undefined
  /** Where the app listens; `undefined` when it is not known. */
  listen: { host: string; port: number } | { path: string } | undefined
  /** How many processes the app has, without its supervisor. */
  processes: number
  /** The app as it runs now; `undefined` when it does not. */
  running: TreeStatus | undefined
  /** Reads the database from another process; `undefined` when there is none, or it cannot be read. */
  inspector: Inspector | undefined
  /** Why the database cannot be read. */
  databaseProblem: unknown
  /** Whether checks may take as long as they need. */
  isFull: boolean
}

/** How long a supervisor may take to answer, in milliseconds. */
const patience = 3_000

/** Finds out what the checks need to know. The caller disposes of the inspector. */
export async function examine(
  { folder, environment }: Pick<CommandContext, 'folder' | 'environment'>,
  isFull: boolean,
): Promise<DoctorContext> {
  const { settings, problem } = await loadSettings(folder, environment)
  const { dataFolder, databasePath } = settings
  return {
    folder,
    environment,
    problem,
    isFull,
    ...settings,
    running: await findRunning(dataFolder),
    ...(await openInspector(databasePath)),
  }
}

type Settings = Omit<
  DoctorContext,
  'folder' | 'environment' | 'problem' | 'running' | 'inspector' | 'databaseProblem' | 'isFull'
>

async function loadSettings(
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ settings: Settings; problem: Error | undefined }> {
  try {
    return { settings: settingsOf(await loadConfig(folder)), problem: undefined }
  } catch (error) {
    const problem = error instanceof Error ? error : new Error(String(error))
    return { settings: defaultSettings(folder, environment), problem }
  }
}

function settingsOf(config: ResolvedConfig): Settings {
  const { server, processes } = config
  return {
    configurationFile: config.file,
    environmentName: config.environment,
    dataFolder: config.data,
    databasePath: config.database.path,
    cachePath: config.cache.path,
    mostClients: mostClientsOf(config.realtime),
    backup: replicates(config) ? () => plannedReplication(config) : undefined,
    verification: replicates(config) ? async () => (await readVerifications(config)).problem : undefined,
    migrationsFolder: config.database.migrations,
    listen: server.socket === undefined ? { host: server.host, port: server.port } : { path: server.socket },
    processes: processes.web + processes.jobs,
  }
}

function mostClientsOf({ channels, ...settings }: ResolvedConfig['realtime']): number | undefined {
  return channels === undefined ? undefined : resolveRealtimeSettings(settings).limits.connections
}

function defaultSettings(folder: string, environment: NodeJS.ProcessEnv): Settings {
  const dataFolder = resolve(folder, environment['HANDCAR_DATA'] ?? 'data')
  const migrations = join(folder, 'db/migrations')
  return {
    configurationFile: undefined,
    environmentName: environment['NODE_ENV'] ?? 'production',
    dataFolder,
    databasePath: join(dataFolder, 'app.sqlite3'),
    cachePath: join(dataFolder, 'cache.sqlite3'),
    mostClients: undefined,
    backup: undefined,
    verification: undefined,
    migrationsFolder: statOf(migrations) ? migrations : undefined,
    listen: undefined,
    processes: 1,
  }
}

/** A supervisor that does not answer counts as none; the check of leftovers and that of the port tell more. */
async function findRunning(dataFolder: string): Promise<TreeStatus | undefined> {
  const answer = control<TreeStatus>(dataFolder, 'status').catch(() => undefined)
  return Promise.race([answer, sleep(patience, undefined, { ref: false })])
}

async function openInspector(path: string): Promise<Pick<DoctorContext, 'inspector' | 'databaseProblem'>> {
  if (!statOf(path)?.isFile()) return { inspector: undefined, databaseProblem: undefined }
  const inspector = new Inspector(path)
  try {
    await inspector.all('select count(*) from sqlite_schema')
    return { inspector, databaseProblem: undefined }
  } catch (databaseProblem) {
    inspector[Symbol.dispose]()
    return { inspector: undefined, databaseProblem }
  }
}
