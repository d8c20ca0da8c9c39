import type { Database } from '../../database/index.ts'

/** What a statement gave: rows, or the number of rows that it changed. */
export type StatementResult = { rows: Record<string, unknown>[] } | { changes: number }

/**
 * Runs one statement of whatever kind.
 *
 * @throws StateError `HANDCAR_READ_ONLY` for one that writes, on a database that was opened read-only; SQLite's errors
 */
export async function execute(database: Database, text: string): Promise<StatementResult> {
  const { readonly, returnsRows } = database.inspect(text)
  if (readonly && returnsRows) return { rows: database.all(text) }
  if (returnsRows) return { rows: await database.write((tx) => tx.all(text)) }
  const { changes } = await database.run(text)
  return { changes }
}
