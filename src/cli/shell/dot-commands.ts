import type { Database } from '../../database/index.ts'
import type { Output } from '../command.ts'

/** The commands of the shell that are not SQL, named as in SQLite's own shell. */
const dotCommands: Record<
  string,
  { help: string; run(database: Database, output: Output, name?: string): void }
> = {
  '.tables': {
    help: '.tables             names of all tables and views',
    run(database, output) {
      for (const { name } of database.all<{ name: string }>(selectTables)) output.line(name)
    },
  },
  '.schema': {
    help: '.schema [table]     the SQL that made them',
    run(database, output, name) {
      const found = database.all<{ sql: string }>(selectSchemaOf, { name: name ?? null })
      for (const { sql } of found) output.line(`${sql};`)
      if (found.length === 0) output.warn(`There is no table ${name ?? 'at all'}.`)
    },
  },
  '.help': {
    help: '.help               this list',
    run(_database, output) {
      output.line('SQL statements end with a semicolon.')
      for (const { help } of Object.values(dotCommands)) output.line(help)
      output.line('.quit               leave (or Ctrl-D)')
    },
  },
}

/** In every table that FTS5 or another module keeps for itself, its owner's name comes first; they are left out. */
const selectTables = `
  select name from pragma_table_list
  where schema = 'main' and type <> 'shadow' and name not like 'sqlite\\_%' escape '\\'
  order by name`

const selectSchemaOf = `
  select sql from sqlite_schema
  where sql is not null
    and name not like 'sqlite\\_%' escape '\\'
    and (:name is null or tbl_name = :name collate nocase)
  order by tbl_name, type <> 'table', name`

/** Runs a line that begins with a dot; `.quit` is the shell's own. */
export function runDotCommand(line: string, database: Database, output: Output): void {
  const [word = '', name] = line.split(/\s+/)
  const command = Object.hasOwn(dotCommands, word) ? dotCommands[word] : undefined
  if (command) command.run(database, output, name)
  else output.warn(`There is no command ${word}; .help lists them.`)
}
