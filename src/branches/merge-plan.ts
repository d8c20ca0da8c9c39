import type { SideBySide } from '../database/index.ts'
import { comparing } from './compare-sql.ts'
import { planTable } from './sql.ts'
import { schemaChanges, sharedTables, type SchemaChange, type Table } from './tables.ts'

/** Why a row cannot be merged by itself. */
type ConflictKind =
  | 'added on both'
  | 'changed on both'
  | 'changed here, deleted there'
  | 'deleted here, changed there'

/** A row that both branches have changed, each in its own way. `here` is the branch, `there` the default branch. */
interface Conflict {
  table: string
  /** Values of the primary key. */
  key: Record<string, unknown>
  kind: ConflictKind
  /** Names of the columns whose values differ; empty when one of the rows is gone. */
  columns: string[]
}

/** What a merge does with one table. */
export interface TablePlan {
  table: string
  inserts: number
  updates: number
  deletes: number
  conflicts: Conflict[]
}

/** What a merge does, and what keeps it from that. */
export interface MergePlan {
  schema: SchemaChange[]
  /** Only tables in which there is something to do. */
  tables: TablePlan[]
  /** Tables that the branch has changed and whose rows cannot be told apart, for want of a primary key. */
  withoutKey: string[]
}

/**
 * Compares a branch and the default branch with what the branch began as, row by row, by primary key:
 *
 * | since then            | default branch: same | changed    | deleted  |
 * | --------------------- | -------------------- | ---------- | -------- |
 * | branch: same          | –                    | –          | –        |
 * | branch: changed       | update               | conflict   | conflict |
 * | branch: deleted       | delete               | conflict   | –        |
 * | branch: added         | insert (a conflict when the other has added a row of that key too) |
 *
 * Rows that are equal now are never a conflict. Values are equal when type and bytes are, whatever the collation says. A column
 * that the ancestor has not counts as changed on both sides where the values differ: nobody can tell who did it.
 *
 * What to do with each table is written to a temporary table (`planTable`), which a merge then carries out.
 */
export function planMerge(files: SideBySide): MergePlan {
  const tables = sharedTables(files)
  const withKey = tables.filter(({ key }) => key.length > 0)
  return {
    schema: schemaChanges(files),
    tables: withKey.map((table) => planTableOf(files, table)).filter(hasWork),
    withoutKey: tables
      .filter((table) => table.key.length === 0 && isChanged(files, table))
      .map(({ name }) => name),
  }
}

const hasWork = ({ inserts, updates, deletes, conflicts }: TablePlan): boolean =>
  inserts + updates + deletes + conflicts.length > 0

/** Fills the table of the plan with the rows of one table, and counts them. */
export function planTableOf(files: SideBySide, table: Table): TablePlan {
  const statements = comparing(table)
  files.run(`drop table if exists ${planTable}`)
  files.run(statements.createPlan)
  for (const statement of statements.fill) files.run(statement)
  const counts = files.all<{ action: string; count: number }>(
    `select action, count(*) as count from ${planTable} group by action`,
  )
  const count = (action: string): number => counts.find((each) => each.action === action)?.count ?? 0
  return {
    table: table.name,
    inserts: count('insert'),
    updates: count('update'),
    deletes: count('delete'),
    conflicts: files
      .all<Record<string, unknown>>(statements.selectConflicts)
      .map((row) => conflictOf(row, table)),
  }
}

function conflictOf(row: Record<string, unknown>, { name, key, columns }: Table): Conflict {
  return {
    table: name,
    key: Object.fromEntries(key.map((column, index) => [column, row[`k${index}`]])),
    kind: row['action'] as ConflictKind,
    columns: columns.filter((_, index) => row[`differs${index}`] === 1),
  }
}

function isChanged(files: SideBySide, table: Table): boolean {
  const [row] = files.all<{ changed: number }>(comparing(table).selectChanged)
  return row!.changed === 1
}
