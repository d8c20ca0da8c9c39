import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { isSafeVersion } from '../../database/index.ts'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { findOpeners, type Opener } from './open-files.ts'
import { statOf } from './system-file.ts'
import { versionIn } from './version.ts'

const run = promisify(execFile)
const danger =
  'SQLite before 3.51.3 can corrupt a database in WAL mode when it checkpoints it beside another program.'

/** Who has the database open, and whether with a library that is dangerous to it. */
export const otherPrograms: Check = {
  name: 'open by',
  async run({ databasePath: path }) {
    if (statOf(path) === undefined) return []
    const { openers, isComplete } = findOpeners([path, `${path}-wal`, `${path}-shm`])
    const findings = await Promise.all(openers.map((opener) => judge(opener, path)))
    const rest = isComplete ? '' : ' (processes of other users could not be looked into: run this as root)'
    if (openers.length === 0) return [ok(`no process has the database open${rest}`)]
    const known = openers.map(({ pid, command }) => `${pid} (${command})`).join(', ')
    return [ok(`${known}${rest}`), ...findings.flat()]
  },
}

async function judge({ pid, program, command, isDeleted }: Opener, path: string): Promise<Finding[]> {
  if (isDeleted) {
    return [
      error({
        what: `process ${pid} (${command}) has a database open that was deleted or replaced at ${path}`,
        why: 'Everything that it writes is lost when it ends.',
        fix: 'Restart it. A backup is restored while the app is stopped, with -wal and -shm moved away.',
      }),
    ]
  }
  if (program === 'sqlite3') return judgeShell(pid, await versionOf(pid, '--version'))
  if (program === 'litestream') return judgeLitestream(pid, await versionOf(pid, 'version'))
  if (program.startsWith('node')) return []
  return [
    warning({
      what: `process ${pid} (${command}) has the database open and is not Node`,
      why: `${danger} Which version is in it cannot be seen from here.`,
      fix: 'Let it work on a copy, or make sure that its SQLite is 3.51.3 or newer.',
    }),
  ]
}

function judgeShell(pid: number, version: string | undefined): Finding[] {
  if (version !== undefined && isSafeVersion(version)) return []
  const what = `process ${pid} is an sqlite3 shell ${version ?? 'of an unknown version'} on the live database`
  return [warning({ what, why: danger, fix: 'Close it, and use `handcar db`.' })]
}

function judgeLitestream(pid: number, version: string | undefined): Finding[] {
  if (version === undefined || !version.startsWith('0.3')) return []
  const what = `process ${pid} is Litestream ${version}, which brings SQLite 3.42`
  return [warning({ what, why: danger, fix: 'Install Litestream 0.5 or newer.' })]
}

/** Asks a program, by the very file that runs, for its version. */
async function versionOf(pid: number, question: string): Promise<string | undefined> {
  const answer = await run(`/proc/${pid}/exe`, [question], { timeout: 5_000 }).catch(() => undefined)
  return versionIn(answer?.stdout ?? '')
}
