import { trimHeap, type Logger } from '../core/index.ts'
import type { Supervisor, SuccessorCommand } from '../supervisor/index.ts'
import { createBranch } from './branch.ts'
import { inheritedEnvironment, takeServiceVariables, type EnvironmentName } from './config.ts'
import { prepareDataFolder } from './data-folder.ts'
import { loadConfig } from './load-config.ts'
import { createLogger } from './logger.ts'
import { moduleOf } from './own-package.ts'
import { replicates, replicationOf } from './replication.ts'
import { realFolder } from './real-folder.ts'
import { releaseFunction } from './release.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** How an app is run. */
export interface RunOptions {
  /** What the app runs as when nobody says it. Default: `'production'` */
  defaultEnvironment?: EnvironmentName
  /** Whether another supervisor started this one to take over from it. Default: `false` */
  isSuccessor?: boolean
  /** systemd's notification socket, handed on by another supervisor. Default: NOTIFY_SOCKET */
  notifySocket?: string | undefined
}

/** A running app. */
export interface RunningApp {
  supervisor: Supervisor
  config: ResolvedConfig
  logger: Logger
  /** Resolves when the supervisor has stopped, by a signal or by `handcar stop`. */
  stopped: Promise<void>
}

/** A supervisor hands its socket to the one that takes over from it as this descriptor; systemd begins with 3. */
const handedOver = { fd: 4 }
const activated = { fd: 3 }

/**
 * Runs the app in a folder: becomes its supervisor, prepares the release, and starts its processes. Resolves when they serve.
 * Signals are obeyed from the beginning: TERM and INT stop it, a second one at once; HUP reloads. The folder becomes the current
 * one of the process.
 *
 * @param folder As its user reaches it: a symbolic link that may lead to another release at the next reload stays one.
 * @throws HandcarError when the configuration, the data folder, a migration, the port or the app is not right
 */
export async function runSupervisor(folder: string, options: RunOptions = {}): Promise<RunningApp> {
  const { defaultEnvironment = 'production', isSuccessor = false } = options
  const service = takeServiceVariables()
  const notifySocket = options.notifySocket ?? service.notifySocket
  const config = await loadConfig(folder, { defaultEnvironment })
  process.chdir(config.folder)
  process.title = `handcar: supervisor ${folder}`
  const logger = createLogger({ ...config.log, process: 'supervisor' })
  await createBranch(config, (message) => logger.info({}, message))
  const data = prepareDataFolder(config)
  const { obeySignals, Supervisor } = await import('../supervisor/index.ts')
  const { bootTimeout, stopTimeout, blockedAfter, blockedTimeout } = config.processes
  const { path, checkpointer } = config.database
  const supervisor = new Supervisor({
    release: releaseFunction({ folder, config, defaultEnvironment, logger }),
    runFolder: data,
    listen: isSuccessor ? handedOver : service.isActivated ? activated : listenTarget(config),
    coordinators: [{ path, ...(checkpointer !== undefined && { checkpointer }) }],
    programs: config.programs,
    companions: replicates(config) ? [replicationOf(config, logger)] : [],
    isSuccessor,
    successor: () => successorCommand(folder, { defaultEnvironment, notifySocket }),
    ...(notifySocket !== undefined && { notifySocket }),
    logger,
    bootTimeout,
    stopTimeout,
    blockedAfter,
    blockedTimeout,
  })
  const stopped = obeySignals(supervisor)
  await supervisor.start()
  trimHeap()
  return { supervisor, config, logger, stopped }
}

function listenTarget({ server: { host, port, socket } }: ResolvedConfig) {
  return socket === undefined ? { host, port } : { path: socket }
}

/** The successor is of the handcar that lies in the folder by then. */
function successorCommand(folder: string, options: RunOptions): SuccessorCommand {
  const real = realFolder(folder)
  const main = moduleOf(real, 'app/supervisor-process')
  return {
    command: process.execPath,
    args: [...process.execArgv, main, JSON.stringify({ folder, options })],
    cwd: real,
    environment: inheritedEnvironment(),
  }
}
