import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { isSafeVersion } from '../../database/index.ts'
import { ok, warning, type Check } from './finding.ts'
import { versionIn } from './version.ts'

const run = promisify(execFile)

/** The `sqlite3` that somebody would type at three in the morning. */
export const sqliteCommand: Check = {
  name: 'sqlite3 command',
  async run({ environment }) {
    const answer = await run('sqlite3', ['--version'], { timeout: 5_000, env: environment }).catch(
      () => undefined,
    )
    const version = versionIn(answer?.stdout ?? '')
    if (version === undefined) return [ok('there is no sqlite3 on the PATH; `handcar db` needs none')]
    if (isSafeVersion(version)) return [ok(`the sqlite3 on the PATH is ${version}`)]
    return [
      warning({
        what: `the sqlite3 on the PATH is ${version}`,
        why: 'Versions before 3.51.3 can corrupt a database in WAL mode when they checkpoint it beside the app, which they do when they close it.',
        fix: 'Look into the database with `handcar db`, or install sqlite3 3.51.3 or newer.',
      }),
    ]
  },
}
