import { isAbsolute } from 'node:path'
import { logger, option, readOptions, type Duration, type Logger } from '../core/index.ts'
import type { CoordinatorOptions } from '../database/index.ts'
import type { Companion } from './companion.ts'
import type { ListenTarget } from './door.ts'
import type { ProgramSpec, Release } from './release.ts'

/** Options of {@link Supervisor}. */
export interface SupervisorOptions {
  /**
   * Prepares and describes the release to run: called at the start and for each reload. What it throws ends the start, or
   * leaves the running release in place.
   */
  release: (progress: (message: string) => void) => Promise<Release>
  /** Folder of the lock, the pid file and the control socket: the data folder of the app. */
  runFolder: string
  /** Where to listen; `false` when no process takes connections. Default: `false`. */
  listen?: ListenTarget | false
  /** The databases whose write lease and checkpoints it looks after. Default: none. */
  coordinators?: readonly CoordinatorOptions[]
  /** Programs that are kept running. Default: none. */
  programs?: readonly ProgramSpec[]
  /** What else runs beside the app and looks after itself. Default: nothing. */
  companions?: readonly Companion[]
  /** How to start another supervisor that takes over from this one; see `Supervisor.upgrade`. Default: it cannot. */
  successor?: () => SuccessorCommand
  /** Whether it was started by another supervisor to take over from it. Default: `false`. */
  isSuccessor?: boolean
  /** Path of systemd's notification socket (`NOTIFY_SOCKET`). Default: none. */
  notifySocket?: string
  /** Default: warnings and errors on standard error. */
  logger?: Logger
  /** How long a process may take until it is ready. Default: `'30s'`. */
  bootTimeout?: Duration
  /** How long a process may take to finish its work when it is replaced or stopped. Default: `'15s'`. */
  stopTimeout?: Duration
  /** How long an idle keep-alive connection is left alone when its process is replaced. Default: `'5s'`. */
  drainIdle?: Duration
  /** How often each process is asked for a sign of life. Default: `'2s'`. */
  heartbeatInterval?: Duration
  /** A process that gives no sign of life for so long is reported, with what it is doing. Default: `'5s'`. */
  blockedAfter?: Duration
  /** A process that gives no sign of life for so long is killed and started again. Default: `'30s'`. */
  blockedTimeout?: Duration
  /** The longest pause before a process that keeps crashing is started again. Default: `'30s'`. */
  restartDelay?: Duration
}

/** A command that starts another supervisor. */
export interface SuccessorCommand {
  command: string
  args: readonly string[]
  cwd: string
  environment: Readonly<Record<string, string | undefined>>
}

/** Validates the options of {@link Supervisor} and fills in the defaults. */
export function resolveOptions(options: SupervisorOptions) {
  return readOptions('Supervisor', options, {
    release: option.matching<SupervisorOptions['release']>('a function that gives a release', isFunction),
    runFolder: option.matching('an absolute path', isAbsolutePath),
    listen: readListen,
    coordinators: readList<CoordinatorOptions>('a list of options of Coordinator'),
    programs: readList<ProgramSpec>('a list of programs'),
    companions: readList<Companion>('a list of companions'),
    successor: option.optional(option.matching<() => SuccessorCommand>('a function', isFunction)),
    isSuccessor: option.flag(false),
    notifySocket: option.optional(option.text()),
    logger,
    bootTimeout: option.duration(30_000),
    stopTimeout: option.duration(15_000),
    drainIdle: option.duration(5_000),
    heartbeatInterval: option.duration(2_000),
    blockedAfter: option.duration(5_000),
    blockedTimeout: option.duration(30_000),
    restartDelay: option.duration(30_000),
  })
}

/** The options of {@link Supervisor}, complete. */
export type ResolvedSupervisorOptions = ReturnType<typeof resolveOptions>

function isFunction(value: unknown): value is never {
  return typeof value === 'function'
}

function isAbsolutePath(value: unknown): value is string {
  return typeof value === 'string' && isAbsolute(value)
}

function readList<Item>(expected: string) {
  return (value: unknown, name: string): readonly Item[] => {
    if (value === undefined) return []
    if (!Array.isArray(value)) throw option.invalidOption(name, expected, value)
    return value as Item[]
  }
}

function readListen(value: unknown, name: string): ListenTarget | false {
  if (value === undefined || value === false) return false
  const { host, port, path, fd } = readOptions(name, value, {
    host: option.text('127.0.0.1'),
    port: option.optional(option.integer(0, { min: 0, max: 65_535 })),
    path: option.optional(option.text()),
    fd: option.optional(option.integer(0, { min: 3, max: 65_535 })),
  })
  if (path !== undefined) return { path }
  if (fd !== undefined) return { fd }
  if (port !== undefined) return { host, port }
  throw option.invalidOption(name, 'an object with port, path or fd', value)
}
