import { Database, sql } from 'handcar/database'

/** What an audit found, all of it at the same moment. */
export type AuditReport = ReturnType<typeof readReport>

/** Compares the counters with the rows, looks for rows without a parent, and has SQLite check its file. */
export async function audit(path: string): Promise<AuditReport> {
  // It reads every page of the file, which may take a while and is no reason for a warning.
  await using database = new Database({ path, slowQuery: '1h' })
  await database.start()
  return database.read(readReport)
}

/** Whether nothing is wrong. */
export const isConsistent = ({
  wrongCounters,
  orphans,
  integrityCheck,
  foreignKeyCheck,
}: AuditReport): boolean =>
  [...Object.values(wrongCounters), ...Object.values(orphans), foreignKeyCheck.length].every(
    (count) => count === 0,
  ) && integrityCheck.join() === 'ok'

type Reader = Pick<Database, 'all' | 'get'>

function readReport(reader: Reader) {
  const count = (query: ReturnType<typeof sql>) => reader.get<{ count: number }>(query)!.count
  return {
    rows: {
      users: count(sql`select count(*) as count from users`),
      posts: count(sql`select count(*) as count from posts`),
      comments: count(sql`select count(*) as count from comments`),
      votes: count(sql`select count(*) as count from votes`),
      sessions: count(sql`select count(*) as count from sessions`),
    },
    wrongCounters: {
      users: count(sql`
        select count(*) as count from users
        where posts_count <> (select count(*) from posts where user_id = users.id)`),
      posts: count(sql`
        select count(*) as count from posts
        where comments_count <> (select count(*) from comments where post_id = posts.id)
          or votes_count <> (select count(*) from votes where post_id = posts.id)`),
    },
    orphans: {
      posts: count(sql`select count(*) as count from posts where user_id not in (select id from users)`),
      comments: count(sql`
        select count(*) as count from comments
        where post_id not in (select id from posts) or user_id not in (select id from users)`),
      votes: count(sql`
        select count(*) as count from votes
        where post_id not in (select id from posts) or user_id not in (select id from users)`),
      sessions: count(
        sql`select count(*) as count from sessions where user_id not in (select id from users)`,
      ),
    },
    integrityCheck: reader
      .all<{ integrity_check: string }>(sql`pragma integrity_check`)
      .map((row) => row.integrity_check),
    foreignKeyCheck: reader.all(sql`pragma foreign_key_check`),
  }
}
