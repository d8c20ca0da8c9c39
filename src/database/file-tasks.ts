import { fork, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BusyError, CorruptionError, HandcarError, standardLogger } from '../core/index.ts'
import { sqliteError } from './driver.ts'
import { findExtensions } from './extensions.ts'
import type { FileAnswer, FileChange, FileReport, FileTask } from './file-tasks-process.ts'
import { databaseOpeners, describeHolders } from './lock-holders.ts'
import type { Extension } from './options.ts'

export type { FileChange, FileReport } from './file-tasks-process.ts'

/** How a database file is copied or checked. */
export interface FileTaskOptions {
  /** Extensions that its tables and indexes need. Default: none. */
  extensions?: readonly Extension[]
  /** Ends it at once, and removes what was begun. */
  signal?: AbortSignal
}

const program = fileURLToPath(new URL(`./file-tasks-process${extname(import.meta.url)}`, import.meta.url))

/**
 * Copies a database that others may be writing: the state of one moment, checked, and on disk (all but the entry of its folder)
 * when it resolves. How: `file-tasks-process.ts`. A copy that fails is removed.
 *
 * @param to Path of a file that does not exist.
 * @throws CorruptionError `HANDCAR_DATABASE_CORRUPT`; HandcarError `HANDCAR_DISK_FULL`, `HANDCAR_DATABASE_READ_ONLY`,
 * `HANDCAR_FILE_TASK_FAILED`; the signal's reason
 */
export async function copyDatabase(
  from: string,
  to: string,
  options: FileTaskOptions = {},
): Promise<FileReport> {
  const extensions = await findExtensions(options.extensions ?? [], standardLogger)
  try {
    const report = (await perform({ kind: 'copy', from, to, extensions }, options.signal))!
    assertWhole(from, report)
    return report
  } catch (error) {
    for (const end of ['', '-journal']) rmSync(`${to}${end}`, { force: true })
    throw error
  }
}

/**
 * Reads a database file that nobody writes from one end to the other.
 *
 * @throws CorruptionError `HANDCAR_DATABASE_CORRUPT`; HandcarError as {@link copyDatabase}
 */
export async function checkDatabase(path: string, options: FileTaskOptions = {}): Promise<FileReport> {
  const extensions = await findExtensions(options.extensions ?? [], standardLogger)
  const report = (await perform({ kind: 'check', path, extensions }, options.signal))!
  assertWhole(path, report)
  return report
}

/**
 * Runs statements on a database file, all of them or none, and syncs it.
 *
 * @param isPrivate Whether nobody else knows of the file: it is of no use when this fails. Default: false
 * @throws HandcarError as {@link copyDatabase}; BusyError `HANDCAR_DATABASE_IN_USE` when somebody else writes to it for five seconds
 */
export async function changeDatabase(
  path: string,
  changes: readonly FileChange[],
  { isPrivate = false, ...options }: FileTaskOptions & { isPrivate?: boolean } = {},
): Promise<void> {
  const extensions = await findExtensions(options.extensions ?? [], standardLogger)
  await perform({ kind: 'change', path, changes, isPrivate, extensions }, options.signal)
}

/**
 * Moves the WAL of a database into its file, and keeps everybody from opening it until the result is disposed of.
 *
 * @throws BusyError `HANDCAR_DATABASE_IN_USE` while anybody has it open; CorruptionError `HANDCAR_DATABASE_CORRUPT`
 */
export async function settleDatabase(path: string): Promise<AsyncDisposable> {
  const child = start({ kind: 'settle', path })
  const release = async (): Promise<void> => await end(child)
  try {
    await answerOf(child, path, undefined)
    return { [Symbol.asyncDispose]: release }
  } catch (error) {
    await release()
    throw error
  }
}

function assertWhole(path: string, { damages }: FileReport): void {
  if (damages.length === 0) return
  throw new CorruptionError('HANDCAR_DATABASE_CORRUPT', `${path} is damaged: ${damages[0]}`, {
    details: { path, damages },
  })
}

async function perform(
  task: Exclude<FileTask, { kind: 'settle' }>,
  signal: AbortSignal | undefined,
): Promise<FileReport | undefined> {
  signal?.throwIfAborted()
  const child = start(task)
  try {
    return await answerOf(child, task.kind === 'copy' ? task.from : task.path, signal)
  } finally {
    await end(child)
  }
}

function start(task: FileTask): ChildProcess {
  return fork(program, [JSON.stringify(task), String(process.pid)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

/** Resolves when the process is gone, and with it its locks. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => resolve())
  child.kill('SIGKILL')
  await promise
}

function answerOf(
  child: ChildProcess,
  path: string,
  signal: AbortSignal | undefined,
): Promise<FileReport | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<FileReport | undefined>()
  const cancel = (): void => reject(signal!.reason as Error)
  signal?.addEventListener('abort', cancel, { once: true })
  child.once('error', (cause) => reject(failed(path, String(cause))))
  child.once('exit', (code, name) => reject(failed(path, `it ended with ${name ?? `exit code ${code}`}`)))
  child.once('message', (answer: FileAnswer) => {
    if ('error' in answer) reject(explain(answer.error, path))
    else resolve(answer.report)
  })
  return promise.finally(() => signal?.removeEventListener('abort', cancel))
}

function failed(path: string, how: string): HandcarError {
  return new HandcarError('HANDCAR_FILE_TASK_FAILED', `The process that worked on ${path} failed: ${how}`)
}

/** @internal Turns what SQLite or the system said into an error with a cure. */
export function explain({ message, code }: { message: string; code: string }, path: string): Error {
  const cause = sqliteError(message, code || 'SQLITE_ERROR')
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return inUse(path, cause)
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT'))
    return new CorruptionError('HANDCAR_DATABASE_CORRUPT', `${path} is damaged, or no database (${code})`, {
      cause,
    })
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT')
    return new HandcarError('HANDCAR_DISK_FULL', `The disk has no room for a copy of ${path} (${code})`, {
      cause,
    })
  if (/^(?:SQLITE_(?:READONLY|CANTOPEN|PERM)|EACCES|EPERM|EROFS)/.test(code))
    return new HandcarError('HANDCAR_DATABASE_READ_ONLY', `${path} cannot be opened (${code}: ${message})`, {
      cause,
    })
  return new HandcarError('HANDCAR_FILE_TASK_FAILED', `${path}: ${message}`, { cause })
}

function inUse(path: string, cause: Error): BusyError {
  const others = databaseOpeners(path)
  const who = others.length === 0 ? 'a process' : describeHolders(others)
  return new BusyError('HANDCAR_DATABASE_IN_USE', `Expected ${path} to be closed; ${who} has it open`, {
    cause,
    details: { path, pids: others.map(({ pid }) => pid) },
  })
}
