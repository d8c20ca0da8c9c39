import { readFileSync, statSync } from 'node:fs'

/** A process that holds a lock of a database. */
export interface LockHolder {
  pid: number
  /** Its command line, as far as it may be read. */
  command: string
}

/**
 * SQLite keeps the locks of a WAL database as POSIX record locks on the `-shm` file: one byte for the writer and one for
 * each read mark (https://sqlite.org/walformat.html, "WAL Locks"). Linux lists them with their owners.
 */
const writeLockByte = 120
const readMarkBytes = { first: 123, last: 127 }
/** Held by everybody who has the database open, whatever they do (the "deadman switch" of SQLite's `os_unix.c`). */
const openByte = 128

/**
 * Tells which processes hold the write lock and which hold a read mark in the WAL of a database. Empty where the
 * system does not tell (anything but Linux, or another PID namespace). Costs a fraction of a millisecond: for errors and
 * reports, not for a request's path.
 *
 * @param path Absolute path of the database.
 */
export function lockHolders(path: string): { writers: LockHolder[]; readers: LockHolder[] } {
  const writers = new Map<number, LockHolder>()
  const readers = new Map<number, LockHolder>()
  for (const lock of readLocks(path)) {
    const covers = (byte: number): boolean => lock.start <= byte && byte <= lock.end
    if (lock.exclusive && covers(writeLockByte)) writers.set(lock.pid, describeProcess(lock.pid))
    if (!lock.exclusive && lock.end >= readMarkBytes.first && lock.start <= readMarkBytes.last) {
      readers.set(lock.pid, describeProcess(lock.pid))
    }
  }
  return { writers: [...writers.values()], readers: [...readers.values()] }
}

/** Tells which processes have a database in WAL mode open, as far as {@link lockHolders} can tell. */
export function databaseOpeners(path: string): LockHolder[] {
  const pids = readLocks(path).filter(({ start, end }) => start <= openByte && openByte <= end)
  return [...new Set(pids.map(({ pid }) => pid))].map(describeProcess)
}

/** Names processes for a message. */
export function describeHolders(holders: readonly LockHolder[]): string {
  return holders
    .map(({ pid, command }) => (command ? `process ${pid} (${command})` : `process ${pid}`))
    .join(', ')
}

interface Lock {
  pid: number
  exclusive: boolean
  start: number
  end: number
}

function readLocks(path: string): Lock[] {
  try {
    const inode = String(statSync(`${path}-shm`).ino)
    return readFileSync('/proc/locks', 'utf8')
      .split('\n')
      .flatMap((line) => parseLock(line, inode))
  } catch {
    return []
  }
}

/** A line reads `1: POSIX  ADVISORY  READ 4242 fe:00:131074 124 124`; a waiting lock has `->` after its number. */
function parseLock(line: string, inode: string): Lock[] {
  const [, kind, , mode, pid, file, start, end] = line.split(/\s+/)
  if (kind !== 'POSIX' || file?.split(':')[2] !== inode) return []
  return [
    {
      pid: Number(pid),
      exclusive: mode === 'WRITE',
      start: Number(start),
      end: end === 'EOF' ? Infinity : Number(end),
    },
  ]
}

function describeProcess(pid: number): LockHolder {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
    return { pid, command: command.slice(0, 120) }
  } catch {
    return { pid, command: '' }
  }
}
