import assert from 'node:assert/strict'
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { Child } from './child.ts'
import { Random } from './random.ts'
import { isSoak } from './soak.ts'

/**
 * SIGKILL in the middle of migrations. Migration n makes a table of n hundred rows and counts itself; two processes run the
 * chain side by side, as two web processes do after a deployment, and are killed. After each kill a whole number of
 * migrations must be applied; in the end a process that is let live completes the chain.
 *
 * The moments are drawn over what the chain writes and not over the time that it takes: most of that time is the start of
 * two processes, and on a fast disk hardly a kill would fall into the chain itself.
 */

const rounds = isSoak ? 500 : 25
const length = 20

test('a chain of migrations killed at random moments', async (t) => {
  const random = new Random()
  t.diagnostic(`HANDCAR_SEED=${random.seed}`)
  using folder = temporaryFolder()
  const migrations = folder.file('migrations')
  writeChain(migrations)
  const whole = await bytesOfChain(folder.file('unharmed.sqlite3'), migrations)
  const stops = new Set<number>()
  for (let round = 0; round < rounds; round++) {
    const path = folder.file(`${round}.sqlite3`)
    for (let applied = 0, kills = 0; applied < length && kills < 4; kills++) {
      const migrators = [1, 2].map(() => new Child('migration-process', { path, migrations }))
      const before = bytesOf(path)
      await written(path, before + random.next() * (whole - before), migrators)
      await Promise.all(migrators.map((child) => child.kill()))
      const next = await appliedMigrations(path)
      assert.ok(next >= applied, 'a migration that was applied is gone')
      stops.add((applied = next))
    }
    const last = new Child('migration-process', { path, migrations })
    await last.ended
    assert.equal(last.errors, '')
    assert.equal(await appliedMigrations(path), length)
    for (const end of ['', '-wal', '-shm', '.wake']) rmSync(path + end, { force: true })
  }
  t.diagnostic(`stopped after ${[...stops].sort((one, other) => one - other).join(', ')} migrations`)
  const inTheMiddle = [...stops].filter((applied) => applied > 0 && applied < length)
  assert.ok(inTheMiddle.length > 0, 'no kill fell between two migrations')
})

function writeChain(folder: string): void {
  mkdirSync(folder)
  for (let step = 1; step <= length; step++) {
    const number = String(step).padStart(2, '0')
    writeFileSync(
      `${folder}/202601010000${number}_step.sql`,
      `create table step_${step} (value integer not null) strict;
       create table if not exists steps (count integer not null) strict;
       insert into step_${step} with recursive numbers (value) as (select 1 union all select value + 1 from numbers where value < ${step * 100}) select value from numbers;
       insert into steps select 0 where not exists (select 1 from steps);
       update steps set count = count + 1;`,
    )
  }
}

/** The most bytes that a database and its WAL have while the chain is applied and nothing is killed. */
async function bytesOfChain(path: string, migrations: string): Promise<number> {
  const migrators = [1, 2].map(() => new Child('migration-process', { path, migrations }))
  let most = 0
  while (migrators.some((child) => !child.hasEnded)) {
    most = Math.max(most, bytesOf(path))
    await nextTurn()
  }
  return most
}

/** Resolves when a database and its WAL have that many bytes, or when all processes that write have ended. */
async function written(path: string, bytes: number, migrators: Child[]): Promise<void> {
  while (bytesOf(path) < bytes && migrators.some((child) => !child.hasEnded)) await nextTurn()
}

function bytesOf(path: string): number {
  return ['', '-wal'].reduce(
    (sum, end) => sum + (statSync(path + end, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

/** How many migrations are applied; fails unless each of them is whole and none after them has left a trace. */
async function appliedMigrations(path: string): Promise<number> {
  await using database = new Database({ path, readers: false, checkpointer: false })
  await database.start()
  const tables = database
    .all<{ name: string }>(`select name from sqlite_schema where type = 'table' order by name`)
    .map(({ name }) => name)
  assert.deepEqual(database.all('pragma integrity_check'), [{ integrity_check: 'ok' }])
  if (!tables.includes('handcar_migrations')) {
    assert.deepEqual(tables, [])
    return 0
  }
  const recorded = database.all<{ name: string }>('select name from handcar_migrations order by name')
  const count = recorded.length
  assert.deepEqual(database.all('select count from steps'), [{ count }])
  for (let step = 1; step <= length; step++) {
    assert.equal(tables.includes(`step_${step}`), step <= count)
    if (step > count) continue
    assert.deepEqual(database.get(`select count(*) as rows from step_${step}`), { rows: step * 100 })
  }
  return count
}
