import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '../../src/database/index.ts'

/** Runs a query without end in a reader process and tells who that is, so that the test can kill either of the two. */
const { path } = JSON.parse(process.argv[2]!) as { path: string }
const database = new Database({ path })
await database.start()
void database
  .query('with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n')
  .catch(() => {})
while (database.stats().readers?.running !== 1) await sleep(1)
process.send!('running')
setInterval(() => {}, 1_000)
