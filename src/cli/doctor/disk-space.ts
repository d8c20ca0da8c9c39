import { statfsSync } from 'node:fs'
import { formatSize } from '../../core/index.ts'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { existingFolder, statOf } from './system-file.ts'

const gigabyte = 1_024 ** 3
const leastBytes = 2 * gigabyte
/** Below this the app itself says that it is failing. */
const emergencyBytes = 100 * 1_024 ** 2
const leastFiles = 1_000

/** Free space and inodes where the data lies. */
export const diskSpace: Check = {
  name: 'disk space',
  async run({ dataFolder, databasePath }) {
    const { bavail, bsize, files, ffree } = statfsSync(existingFolder(dataFolder))
    const sizes = [databasePath, `${databasePath}-wal`].map((path) => statOf(path)?.size ?? 0)
    const used = sizes.reduce((sum, size) => sum + size, 0)
    // A file system without a fixed number of inodes, such as Btrfs, says 0 of 0.
    return judgeSpace(bavail * bsize, used, files === 0 ? Infinity : ffree)
  },
}

/** Judges free bytes and free inodes by what the database takes. */
export function judgeSpace(free: number, used: number, freeFiles: number): Finding[] {
  const wanted = Math.max(leastBytes, 1.5 * used)
  const fix = 'Remove what is not needed (old releases, logs, packages), or take a larger disk.'
  if (free < wanted) {
    return [
      (free < emergencyBytes ? error : warning)({
        what: `${formatSize(free)} are free; ${formatSize(wanted)} should be, for a database of ${formatSize(used)}`,
        why: 'On a full disk every write fails, deleting included; a copy or VACUUM needs as much as the database again.',
        fix,
      }),
    ]
  }
  if (freeFiles < leastFiles) {
    const what = `only ${freeFiles} more files can be made on this disk (inodes)`
    return [warning({ what, why: 'Without one, no WAL can be made, and every write fails.', fix })]
  }
  const inodes = Number.isFinite(freeFiles) ? ` and ${freeFiles} inodes` : ''
  return [ok(`${formatSize(free)}${inodes} are free; the database takes ${formatSize(used)}`)]
}
