import { formatSize, TimeoutError } from '../../core/index.ts'
import { error, ok, warning, type Check, type Finding } from './finding.ts'
import { statOf } from './system-file.ts'

/** A check reads the whole file: above this size only on demand. */
const largest = 1_024 ** 3

const shown = 10

/** Whether the file is whole. */
export const integrity: Check = {
  name: 'integrity',
  async run({ inspector, databasePath, databaseProblem, isFull }) {
    if (databaseProblem !== undefined) return [unreadable(databasePath, databaseProblem)]
    if (inspector === undefined) return []
    const size = statOf(databasePath)?.size ?? 0
    if (size > largest && !isFull) {
      return [ok(`not checked: the database takes ${formatSize(size)}; \`handcar doctor --full\` checks it`)]
    }
    const method = isFull ? 'integrity_check' : 'quick_check'
    try {
      const rows = await inspector.all<Record<string, string>>(`pragma ${method}(10)`, isFull ? '1h' : '60s')
      const lines = rows.flatMap((row) => row[method]!.split('\n'))
      const troubles = lines.filter((line) => line !== 'ok' && !line.startsWith('***'))
      if (troubles.length === 0) return [ok(`${method} of ${formatSize(size)} found nothing`)]
      return [damaged(`${method} found damage: ${troubles.slice(0, shown).join('; ')}`)]
    } catch (cause) {
      if (!(cause instanceof TimeoutError)) return [unreadable(databasePath, cause)]
      return [
        warning({
          what: `${method} of ${formatSize(size)} did not end in time`,
          why: 'So it is not known whether the file is whole.',
          fix: 'Run `handcar doctor --full` at a quiet time.',
        }),
      ]
    }
  },
}

function unreadable(path: string, problem: unknown): Finding {
  const { message, code = '' } = problem as Error & { code?: string }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return damaged(`${path} is not an SQLite database, is encrypted, or is damaged (${code})`)
  }
  return error({
    what: `${path} cannot be read: ${message}`,
    why: 'The app cannot read it either, unless it runs as another user.',
    fix: 'Run this as the user of the app or as root; if that is who you are, look for I/O errors with `dmesg`.',
  })
}

function damaged(what: string): Finding {
  return error({
    what,
    why: 'Reads give wrong rows or fail, and writing makes it worse.',
    fix: 'Stop the app. Keep a copy of all three files. Restore the latest backup, or save what can be read: sqlite3 app.sqlite3 .recover',
  })
}
