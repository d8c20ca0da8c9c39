import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openDriver, type DriverConnection } from './driver.ts'

/** How WAL behaved in a folder. All three are `true` where a database can live. */
export interface LockingReport {
  /** What `journal_mode = wal` answered. */
  journalMode: string
  /** Whether a second process was kept from writing while the first one did. */
  excludesWriters: boolean
  /** Whether a second process saw what the first one had committed. */
  sharesCommits: boolean
  /** Whether the file, its `-wal` and its `-shm` lie on one device. */
  isOneDevice: boolean
}

const program = fileURLToPath(new URL(`./locking-probe-process${extname(import.meta.url)}`, import.meta.url))
const patience = 10_000

/**
 * Finds out whether a folder can hold a WAL database: tables of file systems lie, behaviour does not. Two processes use a
 * database of their own in a new folder inside it, which is removed afterwards.
 *
 * @throws SQLite's errors; the system's when the folder cannot be written; an `AbortError` after 10 seconds
 */
export async function probeLocking(folder: string): Promise<LockingReport> {
  const scratch = mkdtempSync(join(folder, '.handcar-probe-'))
  try {
    return await probe(join(scratch, 'probe.sqlite3'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function probe(path: string): Promise<LockingReport> {
  const driver = openDriver(path, { readonly: false })
  try {
    const journalMode = String(driver.pragma('journal_mode = wal', { simple: true }))
    driver.exec('create table probe (value integer); begin immediate; insert into probe values (1)')
    const { excludesWriters, sharesCommits } = await askAnother(path, driver)
    const files = ['', '-wal', '-shm'].map((ending) => path + ending).filter((file) => existsSync(file))
    const isOneDevice = new Set(files.map((file) => statSync(file).dev)).size === 1
    return { journalMode, excludesWriters, sharesCommits, isOneDevice }
  } finally {
    driver.close()
  }
}

async function askAnother(path: string, driver: DriverConnection) {
  const child = fork(program, [path], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  try {
    const excludesWriters = (await answerOf(child)) === 'busy'
    driver.exec('commit')
    child.send('committed')
    const sharesCommits = (await answerOf(child)) === 'seen'
    return { excludesWriters, sharesCommits }
  } finally {
    child.kill('SIGKILL')
  }
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  child.once('exit', () => ended.abort(new Error('The probing process ended')))
  const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(patience)])
  const [answer] = (await once(child, 'message', { signal })) as [unknown]
  return answer
}
