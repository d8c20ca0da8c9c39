import { ok, warning, type Check } from './finding.ts'

/** Whether the backup has been found to be what the database is. */
export const verification: Check = {
  name: 'verification',
  async run({ verification: look }) {
    if (look === undefined) return []
    const problem = await look()
    if (problem === undefined) return [ok('nothing is known against the backup')]
    return [
      warning({
        what: problem,
        why: 'Nobody knows whether the database could be restored.',
        fix: 'Run `handcar backup verify`. When it fails again, stop the app, keep a snapshot, and let it begin a new backup at another path of the replica.',
      }),
    ]
  },
}
