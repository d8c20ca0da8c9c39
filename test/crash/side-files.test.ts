import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { Database } from 'handcar/database'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

test('what lies beside the database does not grow with the number of commits', async () => {
  using folder = temporaryFolder()
  await using database = new Database({ path: folder.file('app.sqlite3'), durability: 'os' })
  await database.start()
  await database.run('create table counters (total integer not null) strict')
  await database.run('insert into counters values (0)')
  for (let count = 0; count < 200; count++) await database.run('update counters set total = total + 1')

  assert.deepEqual(readdirSync(folder.path).sort(), [
    'app.sqlite3',
    'app.sqlite3-shm',
    'app.sqlite3-wal',
    'app.sqlite3.wake',
  ])
  const size = statSync(folder.file('app.sqlite3.wake')).size
  assert.ok(size <= 1, `the wake file has ${size} bytes`)
})
