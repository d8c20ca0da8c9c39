import { appendFileSync } from 'node:fs'
import { Database } from '../../src/database/index.ts'

/**
 * Writes rows one after the other, and writes down in a file of its own when each of them was acknowledged: `<number> <milliseconds since
 * 1970>`. Each number stands in two tables, so that a state in which they differ is torn.
 */

const { path, record, pause, coordinated } = JSON.parse(process.argv[2]!) as {
  path: string
  record: string
  /** Milliseconds between two writes; 0: none. */
  pause: number
  coordinated?: boolean
}
const database = new Database({
  path,
  readers: false,
  writeTimeout: '60s',
  ...(!coordinated && { checkpointer: false as const }),
  partMigrations: {
    test: [
      {
        name: '1',
        sql: 'create table one (id integer primary key, filling text) strict; create table two (id integer primary key) strict',
      },
    ],
  },
})
process.on('disconnect', () => process.exit())
await database.start()
process.send!('ready')
let next = (database.get<{ id: number }>('select coalesce(max(id), 0) as id from one')?.id ?? 0) + 1
const stopped = new AbortController()
process.on('message', (message) => {
  if (message === 'stop') stopped.abort()
})
while (!stopped.signal.aborted) {
  const id = next++
  await database.write((tx) => {
    tx.run(`insert into one (id, filling) values (?, hex(randomblob(200)))`, [id])
    tx.run('insert into two (id) values (?)', [id])
  })
  appendFileSync(record, `${id} ${Date.now()}\n`)
  if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
}
await database.stop()
process.exit()
