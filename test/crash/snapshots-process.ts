import { Snapshots } from 'handcar/backup'

/**
 * A process that makes snapshots one after the other, or restores one. Told in its first argument: `{ path, restore }`. Writes a
 * line before each.
 */

const { path, restore } = JSON.parse(process.argv[2]!) as { path: string; restore?: string }
const quiet = { warn() {}, error() {}, info() {}, debug() {} }
const snapshots = new Snapshots({ path, logger: quiet })
process.stdin.on('end', () => process.exit()).resume()
if (restore === undefined) {
  for (;;) {
    process.stdout.write('making\n')
    await snapshots.create({ reason: 'migration' })
  }
}
process.stdout.write('restoring\n')
await snapshots.restore(restore)
process.exit()
