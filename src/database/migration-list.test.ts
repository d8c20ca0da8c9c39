import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { Database, listMigrations } from './index.ts'

test('tells applied, pending, changed and unknown migrations apart, and those of the parts', async () => {
  using folder = temporaryFolder()
  const migrations = folder.file('migrations')
  const file = (name: string): string => join(migrations, `${name}.sql`)
  mkdirSync(migrations)
  for (const table of ['a', 'b', 'c'])
    writeFileSync(file(`2026010100000${table.charCodeAt(0) % 10}_${table}`), `create table ${table} (id)`)
  await using database = new Database({
    path: folder.file('app.sqlite3'),
    migrations,
    readers: false,
    partMigrations: { jobs: [{ name: '1_jobs', sql: 'create table handcar_jobs (id)' }] },
  })
  await database.start()
  rmSync(file('20260101000007_a'))
  writeFileSync(file('20260101000008_b'), 'create table other (id)')
  writeFileSync(file('20260101000010_d'), 'create table d (id)')
  const status = await listMigrations(database, migrations)
  assert.deepEqual(
    status.map(({ owner, name, state }) => `${owner} ${name} ${state}`),
    [
      'app 20260101000007_a unknown',
      'app 20260101000008_b changed',
      'app 20260101000009_c applied',
      'jobs 1_jobs applied',
      'app 20260101000010_d pending',
    ],
  )
  assert.ok(status[0]!.appliedAt! > 0)
  assert.equal(status.at(-1)!.appliedAt, undefined)
})

test('migrations of parts that the code knows are compared like those of the app', async () => {
  using folder = temporaryFolder()
  const jobs = [
    { name: '1_jobs', sql: 'create table handcar_jobs (id)' },
    { name: '2_more', sql: 'create table handcar_more (id)' },
  ]
  const path = folder.file('app.sqlite3')
  await using database = new Database({ path, readers: false, partMigrations: { jobs: jobs.slice(0, 1) } })
  await database.start()
  const statesOf = async (...known: { name: string; sql: string }[]) =>
    (await listMigrations(database, undefined, { jobs: known })).map(({ name, state }) => `${name} ${state}`)
  assert.deepEqual(await statesOf(...jobs), ['1_jobs applied', '2_more pending'])
  assert.deepEqual(await statesOf({ ...jobs[0]!, sql: 'other' }), ['1_jobs changed'])
  assert.deepEqual(await statesOf(), ['1_jobs unknown'])
  const pending = await listMigrations(undefined, undefined, { jobs })
  assert.deepEqual(pending[1], { owner: 'jobs', name: '2_more', state: 'pending' })
})

test('a database without migrations, no database, and no folder', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('migrations'))
  writeFileSync(folder.file('migrations/20260101000000_a.sql'), 'create table a (id)')
  await using database = new Database({ path: folder.file('app.sqlite3'), readers: false })
  await database.start()
  const pending = [{ owner: 'app', name: '20260101000000_a', state: 'pending' }]
  assert.deepEqual(await listMigrations(database, folder.file('migrations')), pending)
  assert.deepEqual(await listMigrations(undefined, folder.file('migrations')), pending)
  assert.deepEqual(await listMigrations(database, undefined), [])
})
