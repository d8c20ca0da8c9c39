import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Coordinator, Database, sql } from 'handcar/database'

const data = mkdtempSync(join(tmpdir(), 'lorem-news-'))
const path = join(data, 'app.sqlite3')
after(() => rmSync(data, { recursive: true, force: true }))

/** Runs a script of the app on the folder of this test. */
function run(script: string): Promise<{ code: number; output: string }> {
  const file = fileURLToPath(new URL(`../scripts/${script}`, import.meta.url))
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=handcar-source', file],
      { env: { ...process.env, HANDCAR_DATA: data } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    )
  })
}

async function change(text: string): Promise<void> {
  await using database = new Database({ path, durability: 'os' })
  await database.start()
  await database.run(text)
}

test('seeding starts again from the same rows', async () => {
  const rows = async () => {
    await using database = new Database({ path })
    await database.start()
    return database.all(sql`
      select (select group_concat(title || created_at || description, '') from posts) as posts,
        (select group_concat(body || created_at, '') from comments) as comments,
        (select group_concat(screen_name || password_digest || created_at, '') from users) as users`)
  }
  assert.equal((await run('seed.ts')).code, 0)
  const first = await rows()
  await change('delete from users where id > 10')
  assert.equal((await run('seed.ts')).code, 0)
  assert.deepEqual(await rows(), first)
})

test('seeding refuses to pull the database from under the running app', async () => {
  await using coordinator = new Coordinator({ path })
  await coordinator.start()
  const { code, output } = await run('seed.ts')
  assert.equal(code, 1)
  assert.match(output, /Stop the app first\.\n$/)
})

test('the audit exits with 0 when all is well, and with 1 and the reason when not', async () => {
  const good = await run('audit.ts')
  assert.equal(good.code, 0)
  assert.equal((JSON.parse(good.output) as { rows: { users: number } }).rows.users, 100)
  await change('update users set posts_count = posts_count + 1 where id = 5')
  const bad = await run('audit.ts')
  assert.equal(bad.code, 1)
  assert.equal((JSON.parse(bad.output) as { wrongCounters: { users: number } }).wrongCounters.users, 1)
})
