import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../../test/helpers/app-folder.ts'
import { handcar, RunningCommand } from '../../../test/helpers/command-line.ts'
import { Child } from '../../../test/helpers/child.ts'
import { Database } from '../../database/index.ts'
import type { FindingStatus } from '../doctor/finding.ts'

interface Json {
  status: FindingStatus
  repairs: string[]
  findings: {
    check: string
    status: FindingStatus
    what: string
    why?: string
    fix?: string
    fixable: boolean
  }[]
}

const migration = `create table posts (id integer primary key, title text) strict;
create table comments (id integer primary key, post_id integer references posts (id)) strict;`

function makeApp(files: Record<string, string> = {}): AppFolder {
  return appFolder({ 'handcar.config.js': 'export default { server: { port: 0 } }', ...files })
}

async function doctor(app: AppFolder, ...words: string[]): Promise<Json & { code: number | null }> {
  const { code, output, errors } = await handcar(['doctor', '--json', ...words], { folder: app.path })
  assert.equal(errors, '')
  const json = JSON.parse(output) as Json
  for (const { status, check, why, fix } of json.findings)
    assert.equal(status === 'ok', why === undefined && fix === undefined, check)
  return { code, ...json }
}

/** What a check found. */
function found({ findings }: Json, name: string): Json['findings'][number] {
  const finding = findings.find(({ check }) => check === name)
  assert.ok(finding, `nothing was found by ${name}`)
  return finding
}

test('a new app has no errors, and looking at it makes nothing', async () => {
  using app = makeApp()
  const before = readdirSync(app.path)
  const report = await doctor(app)
  assert.deepEqual(
    report.findings.filter(({ status }) => status === 'error'),
    [],
  )
  assert.equal(report.code, 0)
  assert.match(found(report, 'data folder').what, /does not exist yet/)
  assert.deepEqual(readdirSync(app.path), before)
})

test('--fix repairs and looks again', async () => {
  using app = makeApp()
  const report = await doctor(app, '--fix')
  assert.deepEqual(report.repairs, [`made ${app.file('data')}`])
  assert.equal(found(report, 'data folder').status, 'ok')
  assert.equal(statSync(app.file('data')).mode & 0o777, 0o750)
  assert.equal(found(report, 'locking').status, 'ok')
  assert.deepEqual((await doctor(app, '--fix')).repairs, [])
})

test('a configuration that is broken is an error, and the rest is looked at with the defaults', async () => {
  using app = makeApp({ 'handcar.config.js': 'export default { sever: {} }' })
  mkdirSync(app.file('data'), { mode: 0o750 })
  const report = await doctor(app)
  assert.equal(report.code, 1)
  assert.match(found(report, 'configuration').what, /sever/)
  assert.match(found(report, 'configuration').fix!, /server/)
  assert.equal(found(report, 'locking').status, 'ok')
})

test('a file that is no database, and one that may not be read', async () => {
  using app = makeApp({ 'data/app.sqlite3': 'this is not a database, by far not one '.repeat(20) })
  const report = await doctor(app)
  assert.equal(report.code, 1)
  assert.match(found(report, 'integrity').what, /is not an SQLite database/)
})

test('people get words in groups, without colours when they are piped on', async () => {
  using app = makeApp()
  const { output, code } = await handcar(['doctor'], { folder: app.path })
  assert.equal(code, 0)
  for (const title of ['Programs', 'Disk', 'Database', 'Machine'])
    assert.match(output, new RegExp(`^${title}$`, 'm'))
  assert.match(output, /^ {2}warning data folder +\S+\/data does not exist yet$/m)
  assert.match(output, /^\d+ errors?, \d+ warnings?, \d+ in order; `handcar doctor --fix` can repair \d+\n$/m)
  // oxlint-disable-next-line no-control-regex -- colours are what is looked for
  assert.doesNotMatch(output, /\u001b\[/)
})

test('it looks at an app that runs, and neither disturbs it nor changes its database', async () => {
  using app = makeApp({ 'db/migrations/20260101000000_posts.sql': migration })
  await using running = new RunningCommand(['start'], { folder: app.path })
  const address = await running.address()
  const hash = (): string =>
    createHash('sha256')
      .update(
        ['', '-wal'].map((ending) => readFileSync(app.file(`data/app.sqlite3${ending}`), 'latin1')).join(),
      )
      .digest('hex')
  const before = hash()
  const report = await doctor(app)
  assert.deepEqual(
    report.findings.filter(({ status }) => status === 'error'),
    [],
  )
  assert.equal(hash(), before)
  assert.match(found(report, 'port').what, new RegExp(`the app listens on ${address}`))
  assert.match(found(report, 'open by').what, new RegExp(`\\b${running.pid} \\(`))
  assert.equal(found(report, 'integrity').status, 'ok')
  assert.match(found(report, 'key indexes').what, /without an index, of 1 in all: comments \(post_id\)/)
  assert.match(found(report, 'migrations').what, /all are applied/)
  assert.equal(await (await fetch(address)).text(), 'hello')
})

test('it looks beside somebody who writes all the time', async () => {
  using app = makeApp()
  const options = { path: app.file('data/app.sqlite3') }
  {
    await using database = new Database(options)
    await database.start()
    await database.run('create table t (pid integer)')
  }
  await using writer = Child.start('writer-process', { options })
  await writer.next()
  const written = writer.ask<{ latencies: number[] }>({ writeFor: 3_000, hold: 5 })
  const report = await doctor(app)
  assert.deepEqual(
    report.findings.filter(({ status, check }) => status === 'error' && check !== 'sync cost'),
    [],
  )
  assert.ok((await written).latencies.length > 10)
})

test('the migration that --fix writes is applied by the next one', async () => {
  using app = makeApp({ 'db/migrations/20260101000000_posts.sql': migration })
  {
    await using database = new Database({
      path: app.file('data/app.sqlite3'),
      migrations: app.file('db/migrations'),
    })
    await database.start()
  }
  chmodSync(app.file('data'), 0o750)
  const fixed = await doctor(app, '--fix')
  assert.match(fixed.repairs[0]!, /_index_foreign_keys\.sql; apply it with `handcar migrate`/)
  assert.match(found(fixed, 'migrations').what, /not applied yet: \d{14}_index_foreign_keys/)
  assert.equal((await handcar(['migrate'], { folder: app.path })).code, 0)
  const after = await doctor(app)
  assert.equal(found(after, 'key indexes').status, 'ok')
  assert.match(found(after, 'migrations').what, /all are applied/)
})

test('a WAL beside no database is an error, and not touched by --fix', async () => {
  using app = makeApp()
  mkdirSync(app.file('data'), { mode: 0o750 })
  writeFileSync(app.file('data/app.sqlite3-wal'), 'of another database')
  const report = await doctor(app, '--fix')
  assert.equal(report.code, 1)
  assert.match(found(report, 'database files').what, /without their database/)
  assert.ok(existsSync(app.file('data/app.sqlite3-wal')))
})

const main = join(import.meta.dirname, '../main.ts')
const nobody = { uid: 65_534, gid: 65_534 }
const whyNot =
  process.getuid?.() !== 0
    ? 'needs root'
    : spawnSync('test', ['-r', main], nobody).status !== 0 && 'nobody may not read the code'

test('a user who may not use the data folder is told so, once', { skip: whyNot }, async () => {
  using app = makeApp({ 'db/migrations/20260101000000_posts.sql': migration })
  mkdirSync(app.file('data'), { mode: 0o750 })
  chmodSync(app.path, 0o755)
  const words = ['--conditions=handcar-source', main, 'doctor', '--json']
  const { stdout } = spawnSync(process.execPath, words, { ...nobody, cwd: app.path, encoding: 'utf8' })
  const { findings } = JSON.parse(stdout) as Json
  assert.deepEqual(
    findings.filter(({ status }) => status === 'error').map(({ what }) => what),
    [`${app.file('data')} belongs to user 0, and this user (65534) may not write into it`],
  )
  assert.deepEqual(
    findings.filter(({ what }) => what.includes('could not be checked')),
    [],
  )
})
