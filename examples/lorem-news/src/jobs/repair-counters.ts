import { defineJob, defineRecurring } from 'handcar/jobs'
import { invalidateTags } from 'handcar/cache'
import { type Query, sql } from 'handcar/database'
import { shown } from '../models/kept.ts'

/** So many rows are looked at in one write, so that none is long. */
const slice = 200

/** Gives rows of an id upwards the right counter, and the ids that had a wrong one. */
type Repair = (after: number, until: number) => Query

const tables: Readonly<Record<string, Repair>> = {
  users: (after, until) => sql`
    update users set posts_count = (select count(*) from posts where user_id = users.id)
    where id > ${after} and id <= ${until}
      and posts_count <> (select count(*) from posts where user_id = users.id)`,
  posts: (after, until) => sql`
    update posts set comments_count = (select count(*) from comments where post_id = posts.id),
      votes_count = (select count(*) from votes where post_id = posts.id)
    where id > ${after} and id <= ${until}
      and (comments_count <> (select count(*) from comments where post_id = posts.id)
        or votes_count <> (select count(*) from votes where post_id = posts.id))`,
}

const last: Readonly<Record<string, Query>> = {
  users: sql`select max(id) as id from users`,
  posts: sql`select max(id) as id from posts`,
}

/**
 * Compares the counters with the rows and puts right what is wrong. Triggers keep them exact: this is for what triggers cannot
 * see, such as a hand in the database with triggers switched off. Its result is how many were wrong, by table.
 *
 * The cursor moves in the same transaction as the repair: a process that dies in the middle goes on where it stopped.
 */
export const repairCounters = defineJob({
  name: 'repair-counters',
  async perform(_: undefined, job) {
    const wrong: Record<string, number> = {}
    for (const [table, repair] of Object.entries(tables)) {
      const end = job.database.get<{ id: number | null }>(last[table]!)!.id ?? 0
      const cursor = await job.cursor(table, { id: 0, wrong: 0 })
      while (cursor.value.id < end) {
        const { id, wrong: before } = cursor.value
        const until = id + slice
        await job.database.write(async (tx) => {
          const { changes } = tx.run(repair(id, until))
          if (changes > 0) await invalidateTags(job.database, shown.front, shown.titles)
          await cursor.save({ id: until, wrong: before + changes })
        })
      }
      wrong[table] = cursor.value.wrong
    }
    return wrong
  },
})

/** When the counters are looked at. */
export const everyNight = defineRecurring({
  name: 'repair-counters-every-night',
  job: repairCounters,
  cron: '30 3 * * *',
})
