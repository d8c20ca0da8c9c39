import { probeLocking } from '../../database/index.ts'
import { error, ok, type Check } from './finding.ts'
import { isOpenFolder } from './system-file.ts'

/** What the file system really does: two processes try WAL in a scratch folder beside the data. */
export const locking: Check = {
  name: 'locking',
  async run({ dataFolder }) {
    if (!isOpenFolder(dataFolder)) return []
    const why = 'Without it, processes overwrite one another and the database gets corrupted.'
    const fix = 'Put the data on a local disk with ext4, XFS, Btrfs or ZFS.'
    try {
      const { journalMode, excludesWriters, sharesCommits, isOneDevice } = await probeLocking(dataFolder)
      const troubles = [
        ...(journalMode === 'wal'
          ? []
          : [`SQLite could not use WAL there: the journal mode is ${journalMode}`]),
        ...(excludesWriters ? [] : ['a second process could write while a first one held the lock']),
        ...(sharesCommits ? [] : ['a second process did not see what a first one had committed']),
        ...(isOneDevice ? [] : ['a database and its WAL were put on different devices']),
      ]
      if (troubles.length > 0) return troubles.map((what) => error({ what, why, fix }))
      return [ok('two processes kept each other from writing, and saw what the other had committed')]
    } catch (cause) {
      return [error({ what: `a scratch database could not be used: ${String(cause)}`, why, fix })]
    }
  },
}
