import { chmodSync } from 'node:fs'
import { makeFolder } from '../../core/index.ts'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { isOpenFolder, statOf } from './system-file.ts'

/** Whether the data folder is there, can be written, and is nobody else's business. */
export const dataFolder: Check = {
  name: 'data folder',
  async run({ dataFolder: path }) {
    const stats = statOf(path)
    if (stats === undefined) return [missing(path)]
    if (!stats.isDirectory()) {
      return [
        error({
          what: `${path} is not a folder`,
          why: 'The databases and the files of the running app live in this folder.',
          fix: 'Move the file away, or name another folder with HANDCAR_DATA or `data` in the configuration.',
        }),
      ]
    }
    if (!isOpenFolder(path)) {
      return [
        error({
          what: `${path} belongs to user ${stats.uid}, and this user (${process.getuid?.()}) may not write into it`,
          why: 'Writing needs new files beside the database (its WAL), so write access to the file is not enough.',
          fix: `Run this as the user of the app, or give the folder to this user: chown -R ${process.getuid?.()} ${path}`,
        }),
      ]
    }
    return judgeMode(path, stats.mode)
  },
}

function missing(path: string): Finding {
  return warning({
    what: `${path} does not exist yet`,
    why: 'The first start makes it, with the access rights of that moment.',
    fix: `Make it: mkdir -p -m 750 ${path}`,
    canFix: async () => {
      makeFolder(path, 0o750)
      return `made ${path}`
    },
  })
}

function judgeMode(path: string, mode: number): Finding[] {
  const rights = (mode & 0o777).toString(8)
  if ((mode & 0o007) === 0) return [ok(`${path} can be written (mode ${rights})`)]
  const finding = {
    what: `every user of this machine may ${mode & 0o002 ? 'write into' : 'look into'} ${path} (mode ${rights})`,
    why:
      mode & 0o002
        ? 'Anybody could replace the database.'
        : 'It holds passwords, sessions and mail addresses.',
    fix: `Take the rights of others away: chmod o-rwx ${path}`,
    canFix: async () => {
      chmodSync(path, mode & 0o7770)
      return `took the rights of others to ${path} away`
    },
  }
  return [mode & 0o002 ? error(finding) : warning(finding)]
}
