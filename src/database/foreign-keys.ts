import type { Connection } from './connection.ts'

/** A row whose foreign key points at nothing. */
export interface Violation {
  table: string
  /** `null` in a table `without rowid`. */
  rowid: number | null
  parent: string
}

/** The rows whose foreign keys point at nothing, without those that did already `before`. */
export function newViolations(connection: Connection, before: readonly Violation[]): Violation[] {
  const known = Map.groupBy(before, keyOf)
  return connection
    .pragmaRows<Violation>('foreign_key_check')
    .filter((violation) => known.get(keyOf(violation))?.pop() === undefined)
}

function keyOf({ table, rowid, parent }: Violation): string {
  return `${table} ${rowid} ${parent}`
}
