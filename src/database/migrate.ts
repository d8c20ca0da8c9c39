import { setTimeout as sleep } from 'node:timers/promises'
import { BusyError, MigrationError } from '../core/index.ts'
import type { Connection } from './connection.ts'
import { isBusy } from './driver.ts'
import { newViolations, type Violation } from './foreign-keys.ts'
import { checksumOf, compareMigrations, type AppliedMigration } from './migration-status.ts'
import type { Migration, MigrationOwner } from './migration.ts'
import { createMigrations, insertMigration, selectMigrations, selectMigrationsTable } from './sql.ts'

/**
 * Brings a database up to a list of migrations. Each is a transaction of its own that also records it, so a crash leaves
 * a whole number of them applied. Many processes may do this at once: the lock of the transaction lets one through at a
 * time, and each looks again under the lock whether there is still something to do.
 *
 * Foreign keys are off while a migration runs (`PRAGMA foreign_keys` does nothing inside a transaction, and dropping the
 * old table of a rebuild would otherwise delete the rows of its children by `on delete cascade`,
 * https://sqlite.org/lang_altertable.html#otheralter); instead every key is checked before the commit.
 *
 * @param connection A connection of its own with `foreign_keys` off.
 * @param timeout How long to wait for other processes, in milliseconds.
 * @param acceptsNewer Whether the database may have migrations that the list does not.
 * @returns names of the migrations that this call applied
 * @throws MigrationError `HANDCAR_MIGRATION_CHANGED`, `HANDCAR_MIGRATION_NEWER`, `HANDCAR_MIGRATION_FAILED`,
 * `HANDCAR_MIGRATION_FOREIGN_KEYS`, `HANDCAR_MIGRATION_NAME`
 */
export async function migrate(
  connection: Connection,
  owner: MigrationOwner,
  migrations: readonly Migration[],
  timeout: number,
  acceptsNewer = false,
): Promise<string[]> {
  const deadline = performance.now() + timeout
  const findPending = (): Migration[] => pendingMigrations(connection, owner, migrations, acceptsNewer)
  const applied: string[] = []
  while (true) {
    if (findPending().length === 0) return applied
    await beginImmediate(connection, deadline)
    const [next] = withRollback(connection, findPending)
    if (next === undefined) connection.control('rollback')
    else {
      withRollback(connection, () => apply(connection, owner, next))
      applied.push(next.name)
    }
  }
}

/** Which migrations of a list are not applied yet. Throws when list and database do not fit together. */
function pendingMigrations(
  connection: Connection,
  owner: MigrationOwner,
  migrations: readonly Migration[],
  acceptsNewer: boolean,
): Migration[] {
  const { pending, unknown, changed } = compareMigrations(readApplied(connection, owner), migrations)
  if (unknown.length > 0 && !acceptsNewer) {
    throw new MigrationError(
      'HANDCAR_MIGRATION_NEWER',
      `The database has migrations of "${owner}" that the code does not: ${unknown.join(', ')}`,
      {
        details: { owner, unknown },
      },
    )
  }
  if (changed.length > 0) {
    throw new MigrationError(
      'HANDCAR_MIGRATION_CHANGED',
      `The migration ${changed[0]} of "${owner}" is not what was applied`,
      {
        details: { owner, name: changed[0] },
      },
    )
  }
  return migrations.filter(({ name }) => pending.includes(name))
}

function readApplied(connection: Connection, owner: MigrationOwner): AppliedMigration[] {
  const exists = connection.get(selectMigrationsTable, [])
  return exists ? (connection.all(selectMigrations, [owner]) as AppliedMigration[]) : []
}

function apply(connection: Connection, owner: MigrationOwner, migration: Migration): void {
  const { name, sql } = migration
  const before = newViolations(connection, [])
  run(connection, owner, migration)
  assertNoViolations(name, newViolations(connection, before))
  connection.exec(createMigrations)
  connection.run(insertMigration, [owner, name, checksumOf({ name, sql }), Date.now()])
  connection.control('commit')
}

function run(connection: Connection, owner: MigrationOwner, { name, sql }: Migration): void {
  if (controlsTransaction.test(bareStatements(sql))) throw transactionEnded(owner, name)
  try {
    connection.exec(sql)
  } catch (cause) {
    throw new MigrationError(
      'HANDCAR_MIGRATION_FAILED',
      `The migration ${name} of "${owner}" failed: ${String(cause)}`,
      {
        cause,
        details: { owner, name },
      },
    )
  }
}

const controlsTransaction = /(?:^|;)\s*(?:begin|commit|rollback|end|savepoint|release)(?:\s+\w+)*\s*(?:;|$)/i
const textsAndComments = /'[^']*'|"[^"]*"|--[^\n]*|\/\*[\s\S]*?\*\//g
const triggers = /\bcreate\s+(?:temp\w*\s+)?trigger\b[\s\S]*?;\s*end\b/gi

/** Without everything in which the words of transactions mean something else. */
function bareStatements(sql: string): string {
  return sql.replaceAll(textsAndComments, ' ').replaceAll(triggers, ' ')
}

function transactionEnded(owner: MigrationOwner, name: string): MigrationError {
  return new MigrationError(
    'HANDCAR_MIGRATION_NAME',
    `The migration ${name} of "${owner}" begins or ends a transaction`,
    {
      fix: 'Remove BEGIN, COMMIT and ROLLBACK from it: every migration runs in a transaction by itself.',
      details: { owner, name },
    },
  )
}

function assertNoViolations(name: string, violations: Violation[]): void {
  const [first] = violations
  if (first === undefined) return
  const message = `After the migration ${name}, ${violations.length} rows would point at nothing; the first is ${first.rowid === null ? 'a row' : `row ${first.rowid}`} of ${first.table}, which refers to ${first.parent}`
  throw new MigrationError('HANDCAR_MIGRATION_FOREIGN_KEYS', message, {
    details: { name, violations: violations.slice(0, 10) },
  })
}

/** Waits for the lock without waiting inside SQLite. */
async function beginImmediate(connection: Connection, deadline: number): Promise<void> {
  while (true) {
    try {
      return connection.control('begin immediate')
    } catch (error) {
      if (!isBusy(error)) throw error
      if (performance.now() > deadline) {
        throw new BusyError('HANDCAR_DATABASE_BUSY', 'Waited too long for other processes before migrating', {
          cause: error,
        })
      }
    }
    await sleep(5)
  }
}

function withRollback<Value>(connection: Connection, work: () => Value): Value {
  try {
    return work()
  } catch (error) {
    if (connection.inTransaction) connection.control('rollback')
    throw error
  }
}
