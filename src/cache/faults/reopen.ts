import { existsSync, renameSync, rmSync, statSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { invalidOption } from '../../core/index.ts'
import { FileLock, type Database } from '../../database/index.ts'

/** How often it is tried to be the one who sets the file aside, in milliseconds. */
const retryDelay = 10
const patience = 5_000

/**
 * Closes a database and opens it anew.
 *
 * @param damaged The inode of the file, when it is damaged: it is set aside, unless another process has done that already. Only the last
 * one that was set aside is kept.
 * @returns where the damaged file is now
 */
export async function reopen(database: Database, damaged: number | undefined): Promise<string | undefined> {
  const { path } = database
  await database.stop({ timeout: 0 }).catch(() => {})
  using lock = await lockFor(`${path}.repair`)
  void lock
  const setAside = damaged === undefined ? undefined : setFileAside(path, damaged)
  try {
    await database.start()
  } catch (error) {
    await database.stop({ timeout: 0 }).catch(() => {})
    throw error
  }
  return setAside
}

/**
 * Keeps a slip in a path from moving away a file that never was a cache.
 *
 * @throws OptionsError when the name is not one of a database
 */
export function assertNamedAsDatabase(path: string): void {
  if (/\.(?:sqlite3?|db)$/.test(path)) return
  throw invalidOption('Cache path', 'a file of a cache, or a new one whose name ends in .sqlite3', path)
}

/** Moves a file and what lies beside it, unless the file is not the one that is meant any more. */
export function setFileAside(path: string, inode: number | undefined): string | undefined {
  const present = statSync(path, { throwIfNoEntry: false })?.ino
  if (present === undefined || (inode !== undefined && present !== inode)) return undefined
  const folder = dirname(path)
  const prefix = `${basename(path)}.corrupt-`
  for (const old of readdirSync(folder).filter((name) => name.startsWith(prefix)))
    rmSync(join(folder, old), { force: true })
  const place = `${path}.corrupt-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`
  // The log goes first: a new file must never find the log of an old one.
  for (const ending of ['-wal', '-shm', ''])
    if (existsSync(path + ending)) renameSync(path + ending, place + ending)
  return place
}

/** A lock among the processes that use the file; nobody waits for it for ever. */
async function lockFor(path: string): Promise<Disposable> {
  const endAt = performance.now() + patience
  for (;;) {
    const lock = FileLock.acquire(path)
    if (lock !== undefined) return lock
    if (performance.now() > endAt) return { [Symbol.dispose]: () => {} }
    await sleep(retryDelay)
  }
}
