import { error, ok, warning, type Check } from './finding.ts'

/** Whether the Litestream is there that makes the backup, and which one. */
export const litestream: Check = {
  name: 'litestream',
  async run({ backup }) {
    if (backup === undefined) return []
    const { litestream: program, problem, databases } = await backup()
    if (problem !== undefined) {
      return [
        error({
          what: problem.message,
          why: 'The app runs without a backup: what is on its disk is all there is.',
          fix: 'Do what the message says; `handcar backup status` tells whether it was enough.',
        }),
      ]
    }
    if (program?.line === '0.3') {
      return [
        warning({
          what: `Litestream ${program.version}: ${program.path}`,
          why: 'Its SQLite can, in theory, lose a write at a checkpoint (https://sqlite.org/wal.html#walresetbug), and moments in pauses between its generations cannot be restored.',
          fix: 'Run `handcar backup install`, stop the app and start it. Keep the old program until the old backup is of no use any more.',
        }),
      ]
    }
    const addresses = databases.flatMap(({ replicas }) => replicas.map(({ address }) => address))
    return [ok(`Litestream ${program?.version}, to ${addresses.join(', ')}`)]
  },
}
