import { DatabaseSync } from 'node:sqlite'

/**
 * A stranger that writes to a database without pause: each transaction adds one row to `left` and one to `right`, so that any state
 * in which they differ is torn. Says how many it has committed, now and then.
 */

const { path } = JSON.parse(process.argv[2]!) as { path: string }
const database = new DatabaseSync(path)
database.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 10000;
  create table if not exists left (id integer primary key, filling text);
  create table if not exists right (id integer primary key, filling text);`)
const statements = ['left', 'right'].map((table) =>
  database.prepare(`insert into ${table} (filling) values (hex(randomblob(100)))`),
)
/** So that the file does not grow for ever. */
const kept = 20_000
process.on('disconnect', () => process.exit())
for (let count = 1; ; count++) {
  database.exec('begin immediate')
  for (const statement of statements) statement.run()
  for (const table of ['left', 'right']) database.exec(`delete from ${table} where id = ${count - kept}`)
  database.exec('commit')
  if (count % 500 !== 0) continue
  await new Promise((resolve) => process.send!({ count }, undefined, undefined, resolve))
  await new Promise((resolve) => setImmediate(resolve))
}
