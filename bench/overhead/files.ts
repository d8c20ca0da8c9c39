import { join } from 'node:path'
import { Database } from 'handcar/database'
import type { Generated } from 'kysely'
import { openRaw } from '../harness/sqlite.ts'
import type { RawDatabase } from '../harness/sqlite.ts'

/** What is read. */
export interface Post {
  id: Generated<number>
  title: string
  body: string
  score: number
}

/** The tables, for Kysely. */
export interface Schema {
  posts: Post
  notes: { id: Generated<number>; body: string }
}

/** How many posts there are to read. */
export const postCount = 10_000

/** What is written. */
export const noteBody = 'x'.repeat(200)

/** Creates a file with empty tables, open with the raw driver. */
export function createFile(
  folder: string,
  name: string,
  synchronous: 'normal' | 'full' = 'normal',
): RawDatabase {
  const database = openRaw(pathOf(folder, name))
  database.pragma('journal_mode = wal')
  database.pragma(`synchronous = ${synchronous}`)
  database.exec(`
    create table posts (id integer primary key, title text not null, body text not null, score integer not null);
    create table notes (id integer primary key, body text not null);`)
  return database
}

/** Fills the table of posts. */
export function seedPosts(database: RawDatabase): void {
  database.exec(`
    insert into posts (id, title, body, score)
    with recursive numbers (id) as (select 1 union all select id + 1 from numbers where id < ${postCount})
    select id, 'Post ' || id, '${'x'.repeat(200)}', id % 100 from numbers;`)
}

/** Opens a file with handcar. */
export async function openHandcar(
  folder: string,
  name: string,
  durability: 'os' | 'disk' = 'os',
): Promise<Database> {
  const database = new Database({ path: pathOf(folder, name), durability })
  await database.start()
  return database
}

/** Where a file is. */
export function pathOf(folder: string, name: string): string {
  return join(folder, `${name}.sqlite3`)
}
