import { Database, type DatabaseOptions } from '../database/index.ts'

/**
 * A started database for one test, in memory unless a `path` is given: a real file with a real WAL, so that everything
 * works as in production, and gone at the end of the block.
 *
 * ```ts
 * await using database = await temporaryDatabase({ migrations: 'db/migrations' })
 * ```
 */
export async function temporaryDatabase(options: Partial<DatabaseOptions> = {}): Promise<Database> {
  const database = new Database({ path: ':memory:', durability: 'os', ...options })
  await database.start()
  return database
}
