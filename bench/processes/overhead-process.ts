import { join } from 'node:path'
import { Database, sql } from 'handcar/database'
import { kysely } from 'handcar/kysely'
import { Kysely, SqliteDialect } from 'kysely'
import type { Generated } from 'kysely'
import { Client } from 'pg'
import { auditCount } from '../harness/audit.ts'
import type { Postgres } from '../harness/postgres.ts'
import { answer } from '../harness/remote.ts'
import { openRaw } from '../harness/sqlite.ts'
import type { RawDatabase } from '../harness/sqlite.ts'

interface Post {
  id: Generated<number>
  title: string
  body: string
  score: number
}

interface Schema {
  posts: Post
  notes: { id: Generated<number>; body: string }
}

interface Prepare {
  readonly folder: string
  readonly postgres: Postgres['connection'] | undefined
}

type Operation = () => unknown

const posts = 10_000
const body = 'x'.repeat(200)
const pageLength = 100
const createTables = `
  create table posts (id integer primary key, title text not null, body text not null, score integer not null);
  create table notes (id integer primary key, body text not null);`

const operations = new Map<string, Operation>()
const counts = { raw: 0, 'raw full': 0, os: 0, disk: 0, kysely: 0, 'kysely own': 0 }
type Target = keyof typeof counts
let folder = ''

const handlers = {
  /** Creates a file for each way to write and one that all of them read, and every operation. */
  async prepare(options: Prepare): Promise<string[]> {
    folder = options.folder
    const reader = createFile('read')
    seed(reader)
    prepareRaw(reader)
    await prepareHandcar()
    prepareKyselyOwn(reader)
    if (options.postgres) await preparePostgres(options.postgres)
    return [...operations.keys()]
  },

  /** Repeats one operation, one after another, and answers with how many a second. */
  async measure({ name, seconds }: { name: string; seconds: number }): Promise<number> {
    const operation = operations.get(name)!
    const started = performance.now()
    const deadline = started + seconds * 1000
    let done = 0
    while (performance.now() < deadline) {
      for (let repeat = 0; repeat < 20; repeat++) {
        const result = operation()
        if (result instanceof Promise) await result
      }
      done += 20
    }
    return done / ((performance.now() - started) / 1000)
  },

  /** Checks that every write is in its file exactly once. */
  audit(): number {
    for (const [target, count] of Object.entries(counts)) auditCount(pathOf(target), 'notes', count)
    return Object.values(counts).reduce((sum, count) => sum + count, 0)
  },
}

/** What this process can be asked for. */
export type OverheadHandlers = typeof handlers

function prepareRaw(reader: RawDatabase): void {
  const point = reader.prepare('select * from posts where id = ?')
  const page = reader.prepare('select * from posts where id > ? order by id limit 100')
  operations.set('point read: raw driver', () => checkPost(nextId(), (id) => point.get(id)))
  operations.set('100 rows: raw driver', () => checkPage((after) => page.all(after)))
  addWrite('write: raw driver, NORMAL', 'raw', rawInsert(createFile('raw')))
  addWrite('write: raw driver, FULL', 'raw full', rawInsert(createFile('raw full', 'full')))
}

function rawInsert(database: RawDatabase): Operation {
  const insert = database.prepare('insert into notes (body) values (?)')
  return () => insert.run(body)
}

async function prepareHandcar(): Promise<void> {
  const database = await openHandcar('read')
  const db = kysely<Schema>(database)
  const onePost = 'select * from posts where id = ?'
  operations.set('point read: database.get(text)', () =>
    checkPost(nextId(), (id) => database.get(onePost, [id])),
  )
  operations.set('point read: database.get(sql``)', () =>
    checkPost(nextId(), (id) => database.get(sql`select * from posts where id = ${id}`)),
  )
  operations.set('100 rows: database.all(sql``)', () =>
    checkPage((after) => database.all(sql`select * from posts where id > ${after} order by id limit 100`)),
  )
  operations.set('point read: compiled by Kysely, not run', () => pointQuery(db, nextId()).compile())
  operations.set('point read: Kysely on handcar', () => checkKyselyPost(db))
  operations.set('100 rows: Kysely on handcar', () => checkKyselyPage(db))
  for (const durability of ['os', 'disk'] as const) {
    createFile(durability).close()
    const writer = await openHandcar(durability, durability)
    addWrite(`write: database.run, ${durability}`, durability, () =>
      writer.run(sql`insert into notes (body) values (${body})`),
    )
  }
  createFile('kysely').close()
  const writer = kysely<Schema>(await openHandcar('kysely', 'os'))
  addWrite('write: Kysely on handcar, os', 'kysely', () => insertNote(writer))
}

function prepareKyselyOwn(reader: RawDatabase): void {
  const own = (database: RawDatabase): Kysely<Schema> =>
    new Kysely<Schema>({ dialect: new SqliteDialect({ database: database as never }) })
  const db = own(reader)
  operations.set("point read: Kysely's own dialect", () => checkKyselyPost(db))
  operations.set("100 rows: Kysely's own dialect", () => checkKyselyPage(db))
  const writer = own(createFile('kysely own'))
  addWrite("write: Kysely's own dialect, NORMAL", 'kysely own', () => insertNote(writer))
}

async function preparePostgres(connection: Postgres['connection']): Promise<void> {
  const client = new Client(connection)
  await client.connect()
  await client.query(
    'create table posts (id integer primary key, title text not null, body text not null, score integer not null)',
  )
  await client.query(
    `insert into posts select id, 'Post ' || id, repeat('x', 200), id % 100 from generate_series(1, ${posts}) as id`,
  )
  await client.query('analyze posts')
  operations.set('point read: PostgreSQL, prepared, unix socket', async () => {
    const id = nextId()
    const { rows } = await client.query<Post>({
      name: 'point',
      text: 'select * from posts where id = $1',
      values: [id],
    })
    checkPost(id, () => rows[0])
  })
}

function addWrite(name: string, target: Target, insert: Operation): void {
  operations.set(name, () => {
    const result = insert()
    if (!(result instanceof Promise)) return void counts[target]++
    return result.then(() => void counts[target]++)
  })
}

function pointQuery(db: Kysely<Schema>, id: number) {
  return db.selectFrom('posts').selectAll().where('id', '=', id)
}

async function checkKyselyPost(db: Kysely<Schema>): Promise<void> {
  const id = nextId()
  const row = await pointQuery(db, id).executeTakeFirst()
  checkPost(id, () => row)
}

async function checkKyselyPage(db: Kysely<Schema>): Promise<void> {
  const after = nextId() % (posts - pageLength)
  const rows = await db
    .selectFrom('posts')
    .selectAll()
    .where('id', '>', after)
    .orderBy('id')
    .limit(pageLength)
    .execute()
  checkPage(() => rows)
}

function insertNote(db: Kysely<Schema>): Promise<unknown> {
  return db.insertInto('notes').values({ body }).execute()
}

function checkPost(id: number, read: (id: number) => unknown): void {
  const row = read(id) as { id: number } | undefined
  if (row?.id !== id) throw new Error(`Asked for post ${id}, got ${JSON.stringify(row)}`)
}

function checkPage(read: (after: number) => unknown[]): void {
  const rows = read(nextId() % (posts - pageLength))
  if (rows.length !== pageLength) throw new Error(`Asked for ${pageLength} posts, got ${rows.length}`)
}

let lastId = 0

/** Walks through the table in steps that are coprime to its length, so that no page is read twice in a row. */
function nextId(): number {
  lastId = (lastId + 7919) % posts
  return lastId + 1
}

function createFile(name: string, synchronous: 'normal' | 'full' = 'normal'): RawDatabase {
  const database = openRaw(pathOf(name))
  database.pragma('journal_mode = wal')
  database.pragma(`synchronous = ${synchronous}`)
  database.exec(createTables)
  return database
}

function seed(database: RawDatabase): void {
  database.exec(`
    insert into posts (id, title, body, score)
    with recursive numbers (id) as (select 1 union all select id + 1 from numbers where id < ${posts})
    select id, 'Post ' || id, '${body}', id % 100 from numbers;`)
}

async function openHandcar(name: string, durability: 'os' | 'disk' = 'os'): Promise<Database> {
  const database = new Database({ path: pathOf(name), durability })
  await database.start()
  return database
}

function pathOf(name: string): string {
  return join(folder, `${name.replaceAll(' ', '-')}.sqlite3`)
}

answer(handlers)
