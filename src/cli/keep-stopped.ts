import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { giveToOwnerOf } from '../backup/index.ts'
import { StateError } from '../core/index.ts'
import { FileLock } from '../database/index.ts'

/**
 * Keeps an app from being started, by holding the lock of its supervisor, until the result is disposed of.
 *
 * @param data The data folder.
 * @throws StateError `HANDCAR_ALREADY_RUNNING` while it runs
 */
export function keepStopped(data: string): Disposable | undefined {
  if (!existsSync(data)) return undefined
  const lock = FileLock.acquire(join(data, 'handcar.lock'))
  if (lock) {
    giveToOwnerOf(data, join(data, 'handcar.lock'))
    return lock
  }
  throw new StateError(
    'HANDCAR_ALREADY_RUNNING',
    `Expected a stopped app, got one that runs${whoRuns(data)}`,
    {
      fix: 'Stop it by `handcar stop`, and try again.',
    },
  )
}

function whoRuns(data: string): string {
  try {
    return ` as process ${readFileSync(join(data, 'handcar.pid'), 'utf8').trim()}`
  } catch {
    return ''
  }
}
