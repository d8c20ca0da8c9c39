import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openRaw } from '../harness/sqlite.ts'
import { Ledger } from './ledger.ts'

test('acknowledged creates that are there, or were destroyed since, are in order', async (t) => {
  const { path, create } = await seeded(t)
  const ledger = new Ledger(path)
  create(3, 1)
  const acknowledged = ['/posts/3', '/posts/4', '/posts/5', '/posts/1#comment_2', '/posts/1', '/posts']
  assert.equal(ledger.audit({ acknowledged, unanswered: 0 }), 4)
  assert.equal(ledger.postsCreated(), 3)
})

test('an acknowledged post that is not there is found', async (t) => {
  const { path, create } = await seeded(t)
  const ledger = new Ledger(path)
  create(1, 0)
  assert.throws(
    () => ledger.audit({ acknowledged: ['/posts/3', '/posts/4'], unanswered: 0 }),
    /posts are not there: 4/,
  )
})

test('a row that nobody asked for is found, unless a request without an answer explains it', async (t) => {
  const { path, create } = await seeded(t)
  const ledger = new Ledger(path)
  create(2, 0)
  assert.throws(() => ledger.audit({ acknowledged: ['/posts/3'], unanswered: 0 }), /1 rows were created/)
  assert.equal(ledger.audit({ acknowledged: ['/posts/3'], unanswered: 1 }), 1)
})

test('a comment acknowledged twice is found', async (t) => {
  const { path, create } = await seeded(t)
  const ledger = new Ledger(path)
  create(0, 1)
  const acknowledged = ['/posts/1#comment_2', '/posts/1#comment_2']
  assert.throws(() => ledger.audit({ acknowledged, unanswered: 0 }), /acknowledged twice/)
})

test('a destroyed post is missed where none may be destroyed', async (t) => {
  const { path, create, destroy } = await seeded(t)
  const ledger = new Ledger(path)
  create(2, 0)
  ledger.auditNoneDestroyed()
  destroy(3)
  assert.throws(() => ledger.auditNoneDestroyed(), /Only 1 of 2/)
})

interface Seeded {
  readonly path: string
  readonly create: (posts: number, comments: number) => void
  readonly destroy: (post: number) => void
}

/** A database with two posts and a comment. */
async function seeded(t: TestContext): Promise<Seeded> {
  const folder = await mkdtemp(join(tmpdir(), 'handcar-bench-test-'))
  const path = join(folder, 'app.sqlite3')
  const database = openRaw(path)
  t.after(async () => {
    database.close()
    await rm(folder, { recursive: true })
  })
  for (const table of ['posts', 'comments'])
    database.exec(`create table ${table} (id integer primary key autoincrement)`)
  const create = (posts: number, comments: number): void => {
    for (let post = 0; post < posts; post++) database.exec('insert into posts default values')
    for (let comment = 0; comment < comments; comment++) database.exec('insert into comments default values')
  }
  create(2, 1)
  return { path, create, destroy: (post) => void database.exec(`delete from posts where id = ${post}`) }
}
