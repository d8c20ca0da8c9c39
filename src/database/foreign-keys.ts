import type { Connection } from './connection.ts'

/** A row whose foreign key points at nothing. */
export interface Violation {
  table: string
  rowid: number
  parent: string
}

/** The rows whose foreign keys point at nothing, without those that did already `before`. */
export function newViolations(connection: Connection, before: readonly Violation[]): Violation[] {
  const known = new Set(before.map(keyOf))
  return connection
    .pragmaRows<Violation>('foreign_key_check')
    .filter((violation) => !known.has(keyOf(violation)))
}

function keyOf({ table, rowid, parent }: Violation): string {
  return `${table} ${rowid} ${parent}`
}
