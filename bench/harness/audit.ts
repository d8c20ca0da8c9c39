import { openRaw, scalar } from './sqlite.ts'

/**
 * Checks a table of acknowledged writes afterwards: each acknowledged id is there exactly once, and there are no more
 * rows than attempts. Throws when one is missing, since a benchmark that loses writes has no figures.
 */
export function auditWrites(path: string, table: string, acknowledged: readonly string[]): void {
  const database = openRaw(path, { timeout: 5000 })
  try {
    const distinct = new Set(acknowledged)
    if (distinct.size !== acknowledged.length) throw new Error('A write was acknowledged twice')
    const find = database.prepare(`select count(*) as found from ${table} where id = ?`)
    for (const id of acknowledged) {
      const { found } = find.get(id) as { found: number }
      if (found !== 1) throw new Error(`Acknowledged write ${id} is in ${table} ${found} times`)
    }
    checkIntegrity(path)
  } finally {
    database.close()
  }
}

/** Checks that a table has as many rows as were acknowledged; for ids that the database gives in order. */
export function auditCount(path: string, table: string, acknowledged: number): void {
  const database = openRaw(path, { timeout: 5000 })
  try {
    const rows = Number(scalar(database, `select count(*) from ${table}`))
    if (rows !== acknowledged)
      throw new Error(`${table} has ${rows} rows, ${acknowledged} writes were acknowledged`)
  } finally {
    database.close()
  }
}

/** SQLite's own check of the whole file. */
export function checkIntegrity(path: string): void {
  const database = openRaw(path, { timeout: 5000 })
  try {
    const verdict = scalar(database, 'pragma integrity_check')
    if (verdict !== 'ok') throw new Error(`${path} is damaged: ${String(verdict)}`)
  } finally {
    database.close()
  }
}
