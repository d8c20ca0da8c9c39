import { setTimeout as sleep } from 'node:timers/promises'
import { existsSync } from 'node:fs'
import { BusyError } from '../../core/index.ts'
import { FileLock } from '../../database/index.ts'
import { giveToOwnerOf } from '../owner.ts'

/**
 * Waits for the right to change the folder of the snapshots, which the kernel takes back from a process that dies.
 *
 * @param timeout Milliseconds.
 * @param like The database, whose owner owns the file of the lock.
 * @throws BusyError `HANDCAR_SNAPSHOT_BUSY`; the signal's reason
 */
export async function lockFolder(
  path: string,
  timeout: number,
  { like, signal }: { like: string; signal?: AbortSignal | undefined },
): Promise<FileLock> {
  const endAt = performance.now() + timeout
  while (true) {
    const lock = FileLock.acquire(path)
    if (lock) {
      if (existsSync(like)) giveToOwnerOf(like, path)
      return lock
    }
    if (performance.now() >= endAt)
      throw new BusyError('HANDCAR_SNAPSHOT_BUSY', `Waited ${timeout} ms for another process at ${path}`)
    await sleep(25, undefined, { signal })
  }
}
