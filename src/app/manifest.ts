import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LogFormat } from './config.ts'
import { siblingOf } from './own-package.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/**
 * What a supervisor needs to know of a release that was prepared. Plain JSON: a reload gets it from a process that runs the code
 * of the new release, perhaps another version of handcar.
 */
export interface Manifest {
  /** Real path of the app's folder. */
  folder: string
  /** Version in the app's package.json. */
  version?: string
  /** Real path of the data folder. */
  data: string
  environment: string
  logFormat: LogFormat
  web: { count: number; file: string }
  jobs: { count: number; file: string }
  /** Bytes. */
  maxRss?: number
  /** What a running supervisor cannot change, by name. */
  fixed: Readonly<Record<string, unknown>>
}

/** Writes down a prepared release. */
export function manifestOf(config: ResolvedConfig, data: string): Manifest {
  const { folder, environment, processes } = config
  const version = versionOf(folder)
  return {
    folder,
    data,
    environment,
    logFormat: config.log.format,
    ...(version !== undefined && { version }),
    web: { count: processes.web, file: siblingOf('app/web-process') },
    jobs: { count: processes.jobs, file: siblingOf('app/jobs-process') },
    ...(processes.maxRss !== undefined && { maxRss: processes.maxRss }),
    fixed: fixedValues(config, data),
  }
}

/** What a supervisor takes from the configuration once, when it starts. */
function fixedValues(config: ResolvedConfig, data: string): Manifest['fixed'] {
  const { host, port, socket } = config.server
  const { bootTimeout, stopTimeout, blockedAfter, blockedTimeout } = config.processes
  return {
    data,
    'server.host': socket === undefined ? host : undefined,
    'server.port': socket === undefined ? port : undefined,
    'server.socket': socket,
    'database.path': config.database.path,
    'database.checkpointer': config.database.checkpointer,
    'processes.bootTimeout': bootTimeout,
    'processes.stopTimeout': stopTimeout,
    'processes.blockedAfter': blockedAfter,
    'processes.blockedTimeout': blockedTimeout,
    programs: config.programs,
    backup: { ...config.backup, snapshots: undefined },
    'log.level': config.log.level,
  }
}

function versionOf(folder: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      version?: unknown
    }
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}
