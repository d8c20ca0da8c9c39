import { fork } from 'node:child_process'
import { isDeepStrictEqual } from 'node:util'
import { HandcarError, restoreFailure, type Logger } from '../core/index.ts'
import type { ProcessSpec, Release } from '../supervisor/index.ts'
import { inheritedEnvironment, type Environment, type EnvironmentName } from './config.ts'
import type { Manifest } from './manifest.ts'
import { moduleOf } from './own-package.ts'
import { prepareRelease } from './prepare.ts'
import type { PrepareOrder, PrepareReport } from './prepare-protocol.ts'
import { realFolder } from './real-folder.ts'
import type { ResolvedConfig } from './resolve-config.ts'
import { heapFlag } from './web-processes.ts'

type Progress = (message: string) => void

/** What {@link releaseFunction} needs to know. */
export interface ReleaseOptions {
  /** The app's folder as its user reaches it: a symbolic link that leads to another release by the time of a reload. */
  folder: string
  /** The configuration of the first release. */
  config: ResolvedConfig
  defaultEnvironment: EnvironmentName
  logger: Logger
}

/**
 * Prepares and describes the release to run, for a supervisor. The first is prepared in this process, which has loaded its
 * configuration already; each further one in a fresh process that runs the code in the folder by then: another app,
 * another configuration, another version of handcar. When preparing fails the error is thrown and nothing else has happened.
 */
export function releaseFunction({ folder, config, defaultEnvironment, logger }: ReleaseOptions) {
  let first: Manifest | undefined
  return async (progress: Progress): Promise<Release> => {
    if (first === undefined) {
      first = await prepareRelease(config, { logger, progress })
      return releaseOf(first)
    }
    const order = { folder: realFolder(folder), data: first.data, defaultEnvironment }
    const manifest = await prepareElsewhere(order, progress)
    for (const name of changedNames(first.fixed, manifest.fixed)) {
      const message = `${name} has changed, which takes a restart: until then it stays as it was`
      logger.warn({ setting: name }, message)
      progress(message)
    }
    return releaseOf(manifest)
  }
}

/** Describes the processes of a prepared release. */
export function releaseOf(manifest: Manifest): Release {
  const { folder, version, web, jobs, maxRss } = manifest
  const shared = {
    cwd: folder,
    execArgv: execArgv(web.count + jobs.count),
    environment: environmentOf(manifest),
    ...(maxRss !== undefined && { maxRss }),
  }
  const processes: ProcessSpec[] = [
    { ...shared, kind: 'web', ...web, acceptsConnections: true },
    { ...shared, kind: 'jobs', ...jobs, acceptsConnections: false },
  ]
  const used = processes.filter(({ count }) => count > 0)
  return { folder, ...(version !== undefined && { version }), processes: used }
}

/** Whatever was decided when the release was prepared is not left to each process to decide again. */
function environmentOf({ environment, data, logFormat }: Manifest): Environment {
  return {
    ...inheritedEnvironment(),
    NODE_ENV: environment,
    HANDCAR_DATA: data,
    HANDCAR_BRANCHES: '0',
    LOG_FORMAT: logFormat,
  }
}

/** The flags of the supervisor's own Node, and a limit for the heap unless the user has set one. */
function execArgv(processes: number): string[] {
  const isLimited = [...process.execArgv, inheritedEnvironment()['NODE_OPTIONS'] ?? ''].some((flag) =>
    /--max[-_]old[-_]space[-_]size/.test(flag),
  )
  const flag = isLimited ? undefined : heapFlag(processes)
  return flag === undefined ? process.execArgv : [...process.execArgv, flag]
}

/** Names of the values that differ. A name that only one of the two versions of handcar knows is not looked at. */
function changedNames(before: Manifest['fixed'], after: Manifest['fixed']): string[] {
  return Object.keys(before).filter(
    (name) => name in after && !isDeepStrictEqual(plain(before[name]), plain(after[name])),
  )
}

/** As it comes through the channel. */
const plain = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value))

/** Runs `prepare-process` of the folder's own handcar. */
async function prepareElsewhere(order: PrepareOrder, progress: Progress): Promise<Manifest> {
  const child = fork(moduleOf(order.folder, 'app/prepare-process'), [JSON.stringify(order)], {
    cwd: order.folder,
    env: inheritedEnvironment(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    child.on('message', (report: PrepareReport) => {
      if (report.type === 'progress') progress(report.message)
      else if (report.type === 'prepared') resolve(report.manifest)
      else reject(restoreFailure(report.failure, 'HANDCAR_PREPARE_FAILED'))
    })
    child.once('error', reject)
    child.once('close', (code, signal) => reject(endedEarly(order.folder, signal ?? `exit code ${code}`)))
  })
}

function endedEarly(folder: string, how: string): HandcarError {
  return new HandcarError(
    'HANDCAR_PREPARE_FAILED',
    `The process that prepares the release in ${folder} ended with ${how}; what it wrote stands in the log`,
  )
}
