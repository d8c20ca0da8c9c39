import { isSafeVersion, sqliteLibrary } from '../../database/index.ts'
import { error, ok, warning, type Check } from './finding.ts'

/** Without one of these, a part of handcar does not work. */
const neededOptions = ['ENABLE_FTS5', 'ENABLE_STAT4', 'ENABLE_MATH_FUNCTIONS']

/** Version and compile options of the SQLite that handcar runs on. */
export const sqliteVersion: Check = {
  name: 'sqlite',
  async run() {
    const { version, compileOptions } = sqliteLibrary()
    if (!isSafeVersion(version)) {
      return [
        error({
          what: `SQLite ${version}; 3.51.3 or newer is needed`,
          why: 'Older versions can corrupt a database in WAL mode (https://sqlite.org/wal.html#walresetbug).',
          fix: 'Install better-sqlite3 13 or newer.',
        }),
      ]
    }
    const missing = neededOptions.filter((option) => !compileOptions.includes(option))
    const isThreadSafe = !compileOptions.includes('THREADSAFE=0')
    if (missing.length > 0 || !isThreadSafe) {
      return [
        warning({
          what: `SQLite ${version} was compiled ${isThreadSafe ? `without ${missing.join(', ')}` : 'for one thread only'}`,
          why: 'handcar uses full-text search, statistics for the query planner, and a thread that checkpoints.',
          fix: 'Use the binary that better-sqlite3 brings, and not one of your own.',
        }),
      ]
    }
    return [
      ok(
        `SQLite ${version}, thread-safe, with ${compileOptions.length} compile options, FTS5 and STAT4 among them`,
      ),
    ]
  },
}
