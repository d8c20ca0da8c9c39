import { sql, type Database } from 'handcar/database'
import { hashPassword } from '../models/passwords.ts'
import { generateSeeds } from '../seeds/generate.ts'
import { insertSeeds, seededPassword } from '../seeds/insert.ts'

/** The same salt each time, so that the seeds are the same bytes on every machine. */
const salt = Buffer.from('lorem-news-seeds')

/** Fills a migrated database that never had a user. Gives the name of somebody to sign in as. */
export async function seedDatabase(database: Database, now = Date.now()): Promise<string | undefined> {
  // SQLite keeps the last id of a table even when its rows are gone, so an emptied site is not filled again.
  const hadUsers = database.get(sql`select 1 from sqlite_sequence where name = 'users'`)
  if (!hadUsers) {
    const seeds = generateSeeds(now)
    const digest = await hashPassword(seededPassword, salt)
    await database.write((transaction) => insertSeeds(transaction, seeds, digest), { label: 'seed' })
  }
  return database.get<{ screen_name: string }>(sql`select screen_name from users order by id limit 1`)
    ?.screen_name
}
