import { Database, sql } from 'handcar/database'
import { databasePath, type Configuration } from '../configuration.ts'
import { hashPassword } from '../models/passwords.ts'
import { generateSeeds } from '../seeds/generate.ts'
import { insertSeeds, seededPassword } from '../seeds/insert.ts'
import { migrations } from './migrations.ts'

/** The same salt each time, so that the seeds are the same bytes on every machine. */
const salt = Buffer.from('lorem-news-seeds')

/**
 * Creates and migrates the database, and seeds it when it never had a user. Done once, before the processes open it. Gives the
 * name of somebody to sign in as.
 */
export async function prepareDatabase(configuration: Pick<Configuration, 'data'>, now = Date.now()) {
  await using database = new Database({ path: databasePath(configuration), migrations })
  await database.start()
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
