import { setTimeout as sleep } from 'node:timers/promises'
import { formatSize } from '../../core/index.ts'
import { lockHolders, type LockHolder } from '../../database/index.ts'
import { ok, warning, type Check } from './finding.ts'
import { statOf } from './system-file.ts'

/** The size to which handcar cuts the WAL after a peak. */
const usual = 64 * 1_024 ** 2
const looks = 5
const pause = 250

/** How large the WAL is, and who keeps it from being reused. */
export const writeAheadLog: Check = {
  name: 'WAL',
  async run({ databasePath, inspector }) {
    const size = statOf(`${databasePath}-wal`)?.size
    if (size === undefined) return []
    const readers = await steadyReaders(databasePath)
    const [wal] = (await inspector?.all<Wal>('pragma wal_checkpoint(noop)').catch(() => [])) ?? []
    const waiting =
      wal && wal.log > 0 ? `, ${wal.log - wal.checkpointed} of ${wal.log} frames not in the database yet` : ''
    const what = `the WAL takes ${formatSize(size)}${waiting}`
    const names = readers.map(({ pid, command }) => `${pid} (${command || 'unknown'})`).join(', ')
    if (readers.length > 0) {
      return [
        warning({
          what: `${what}; process ${names} has been reading for more than ${(looks - 1) * pause} ms`,
          why: 'The WAL cannot be reused from its beginning while somebody reads an old state of the database, so it grows.',
          fix: 'End that read. In an app: iterate() instead of a long read(), and no read() that waits for something else.',
        }),
      ]
    }
    if (size <= usual) return [ok(what)]
    return [
      warning({
        what,
        why: 'Reading gets slower and the disk fills. Nobody moves it into the database, or a reader was in the way for long.',
        fix: 'Is the app running? Its checkpointer cuts the WAL. If it is, look for "a reader keeps the WAL" in its log.',
      }),
    ]
  },
}

interface Wal {
  log: number
  checkpointed: number
}

/** The processes that were reading each time that we looked. */
async function steadyReaders(path: string): Promise<LockHolder[]> {
  let readers = lockHolders(path).readers
  for (let look = 1; look < looks && readers.length > 0; look++) {
    await sleep(pause)
    const now = new Set(lockHolders(path).readers.map(({ pid }) => pid))
    readers = readers.filter(({ pid }) => now.has(pid))
  }
  return readers
}
