import { HandcarError } from '../core/index.ts'
import type { SideBySide } from '../database/index.ts'
import { comparing } from './compare-sql.ts'
import { planTableOf, type MergePlan } from './merge-plan.ts'
import { selectViolations } from './sql.ts'
import { sharedTables } from './tables.ts'

/** Which entries of a plan each statement carries out when the branch wins; without that only those of its own name. */
const won = {
  delete: ['delete', 'deleted here, changed there'],
  update: ['update', 'changed on both', 'added on both'],
  insert: ['insert', 'changed here, deleted there'],
} as const

/**
 * Carries out a plan inside the transaction that it was made in. Deletes come first, so that their values of unique columns are
 * free; foreign keys are off, so that nothing is deleted that nobody has deleted, and are checked at the end. Triggers run.
 *
 * @returns `false` when there are conflicts that nobody has decided; nothing was done then
 * @throws HandcarError `HANDCAR_BRANCH_SCHEMA`, `HANDCAR_BRANCH_MERGE`
 */
export function applyPlan(
  files: SideBySide,
  plan: MergePlan,
  prefer: 'branch' | 'target' | undefined,
): boolean {
  assertSameTables(plan)
  const hasConflicts = plan.tables.some(({ conflicts }) => conflicts.length > 0)
  if (plan.withoutKey.length > 0 || (hasConflicts && prefer === undefined)) return false
  const before = new Set(violations(files))
  const tables = new Map(sharedTables(files).map((table) => [table.name, table]))
  for (const { table: name } of plan.tables) {
    const table = tables.get(name)!
    planTableOf(files, table)
    const { apply } = comparing(table)
    for (const action of ['delete', 'update', 'insert'] as const) {
      const actions = prefer === 'branch' ? won[action] : [action]
      runOn(files, name, apply[action], JSON.stringify(actions))
    }
  }
  assertReferences(violations(files).filter((each) => !before.has(each)))
  return true
}

/** Rows can only be brought into tables that are the same on both sides. */
function assertSameTables({ schema, tables }: MergePlan): void {
  const touched = new Set(tables.map(({ table }) => table))
  const different = schema.filter(
    ({ type, name, change }) => type === 'table' && (touched.has(name) || change === 'added'),
  )
  if (different.length === 0) return
  const names = different.map(({ name, change }) => `${name} (${change})`).join(', ')
  throw new HandcarError('HANDCAR_BRANCH_SCHEMA', `Expected the same tables on both branches, got ${names}`, {
    details: { tables: different },
  })
}

function runOn(files: SideBySide, table: string, statement: string, actions: string): void {
  try {
    files.run(statement, [actions])
  } catch (cause) {
    throw new HandcarError(
      'HANDCAR_BRANCH_MERGE',
      `The rows of ${table} do not fit: ${(cause as Error).message}`,
      {
        cause,
        details: { table },
      },
    )
  }
}

interface Violation {
  table: string
  rowid: number | null
  parent: string
}

const violations = (files: SideBySide): string[] =>
  files
    .all<Violation>(selectViolations)
    .map(({ table, rowid, parent }) => `row ${rowid ?? '?'} of ${table}, which refers to ${parent}`)

function assertReferences(added: string[]): void {
  if (added.length === 0) return
  throw new HandcarError(
    'HANDCAR_BRANCH_MERGE',
    `After the merge ${added.length} rows would point at nothing; the first is ${added[0]}`,
    { details: { rows: added.slice(0, 10) } },
  )
}
