import { statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { formatSize, HandcarError } from '../../core/index.ts'

/** What has to stay free for the app, which writes to the same disk, in bytes. */
const reserve = 32 * 1_024 ** 2

/**
 * Refuses a copy that could fill the disk.
 *
 * @param path The database, whose copy is as large as the file and its WAL at most.
 * @throws HandcarError `HANDCAR_DISK_FULL`
 */
export async function assertRoom(folder: string, path: string): Promise<void> {
  const needed = sizeOf(path) + sizeOf(`${path}-wal`) + reserve
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free >= needed) return
  throw new HandcarError(
    'HANDCAR_DISK_FULL',
    `Expected ${formatSize(needed)} free in ${folder} for a copy of ${path}, got ${formatSize(free)}`,
    {
      fix: 'Free space, by `handcar snapshot prune` for example, and try again.',
      details: { folder, needed, free },
    },
  )
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
