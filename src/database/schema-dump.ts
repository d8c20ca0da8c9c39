import type { Connection } from './connection.ts'
import { selectAllMigrations, selectMigrationsTable, selectSchema } from './sql.ts'

interface AppliedMigration {
  owner: string
  name: string
  checksum: string
  applied_at: number
}

/**
 * Writes the schema as SQL that makes the same schema again, with the list of applied migrations, so that a database made
 * from it counts as migrated. The tables behind a virtual table (FTS5's shadow tables) are left out: creating the virtual
 * table makes them.
 */
export function dumpSchema(connection: Connection): string {
  const statements = (connection.all(selectSchema, []) as { sql: string }[]).map(({ sql }) => terminated(sql))
  const hasMigrations = connection.get(selectMigrationsTable, [])
  if (!hasMigrations) return statements.join('\n')
  const applied = connection.all(selectAllMigrations, []) as AppliedMigration[]
  return [...statements, ...applied.map(insertOf)].join('\n')
}

/** SQLite keeps a comment at the end of a statement, where it would swallow the semicolon. */
function terminated(sql: string): string {
  return `${sql}${/--[^\n]*$/.test(sql) ? '\n' : ''};\n`
}

/** The moment of application is left out, so that the dump is the same on every machine. */
function insertOf({ owner, name, checksum }: AppliedMigration): string {
  const values = [owner, name, checksum].map((value) => `'${value.replaceAll("'", "''")}'`)
  return `insert into handcar_migrations (owner, name, checksum, applied_at) values (${values.join(', ')}, 0);`
}
