import { existsSync } from 'node:fs'
import { loadConfig } from '../../app/index.ts'
import { HandcarError } from '../../core/index.ts'
import { Database, type DatabaseOptions } from '../../database/index.ts'
import type { Command, Output } from '../command.ts'
import { execute } from '../shell/execute.ts'
import { describeChanges, plainRows, printRows } from '../shell/rows.ts'
import { runShell } from '../shell/shell.ts'
import { becomeSqlite, findSqlite } from '../shell/sqlite-program.ts'
import { UsageError } from '../usage-error.ts'

type Options = { write?: true; json?: true }

/** `handcar db` */
export const command: Command<Options> = {
  name: 'db',
  summary: "Open an SQL shell on the app's database, or run one statement",
  description: `The shell is the sqlite3 of the system if it is 3.51.3 or newer (older ones can damage a database that an app has open), and
otherwise a small one of handcar's own. Either reads only, unless --write is given. Migrations are not run.`,
  arguments: [{ name: 'sql', description: 'one statement to run, in the place of a shell', optional: true }],
  options: [
    { flags: '--write', description: 'allow statements that change the database' },
    { flags: '--json', description: 'print the rows of the statement as JSON' },
  ],
  examples: [
    'handcar db',
    'handcar db "select count(*) from posts"',
    'handcar db --json "select * from posts limit 3"',
    `handcar db --write "delete from sessions where expires_at < unixepoch()"`,
    'handcar db --write < seeds.sql',
  ],
  async run({ folder, output, environment }, { write = false, json = false }, sql?: string) {
    const { database: options } = await loadConfig(folder)
    if (json && sql === undefined)
      throw new UsageError('--json: expected a statement to run', 'Run `handcar db --json "select …"`.')
    assertExists(options.path)
    await using database = new Database(forShell(options, write))
    await database.start()
    if (sql !== undefined) return await runStatement(database, sql, json, output)
    const sqlite = process.stdin.isTTY ? await findSqlite(environment) : undefined
    if (sqlite === undefined) return await runShell(database, output, process.stdin)
    const { path } = database
    await database.stop()
    becomeSqlite(sqlite, path, write, environment)
  },
}

/** Without migrations, and without remarks about slow statements. */
function forShell(options: DatabaseOptions, write: boolean): DatabaseOptions {
  return { ...options, migrations: undefined, readOnly: !write, readers: false, slowQuery: '1d' }
}

async function runStatement(database: Database, sql: string, json: boolean, output: Output): Promise<void> {
  const result = await execute(database, sql)
  if ('changes' in result) {
    if (json) output.json(result)
    else output.line(describeChanges(result.changes))
  } else if (json) output.json(plainRows(result.rows))
  else printRows(result.rows, output)
}

/** Refuses a database that does not exist also with --write: it would come to be without the app's tables. */
function assertExists(path: string): void {
  if (existsSync(path)) return
  throw new HandcarError('HANDCAR_DATABASE_PATH', `There is no database ${path} yet`, {
    fix: 'Create it by `handcar migrate`, or by starting the app.',
  })
}
