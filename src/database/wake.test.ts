import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { Child } from '../../test/helpers/child.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { temporaryDatabase } from '../testing/index.ts'
import type { CommitNotice, Database, DatabaseOptions } from './index.ts'

const startedDatabase = async (options: Partial<DatabaseOptions> = {}): Promise<Database> => {
  const database = await temporaryDatabase(options)
  await database.run('create table t (id integer primary key, pid integer)')
  return database
}
const insert = 'insert into t (pid) values (1)'

test('a listener hears of every commit of its process, at once, with the topics', async () => {
  await using database = await startedDatabase()
  const notices: CommitNotice[] = []
  database.onCommit((notice) => notices.push(notice))
  await database.write((tx) => {
    tx.run(insert)
    tx.touch('posts', 'users')
    tx.savepoint((inner) => inner.touch('comments'))
    assert.throws(() =>
      tx.savepoint((inner) => {
        inner.touch('taken back')
        throw new Error('no')
      }),
    )
  })
  assert.deepEqual(notices, [{ topics: new Set(['posts', 'users', 'comments']), origin: 'here' }])
})

test("with wakeOn 'topics' a commit that names none wakes nobody", async () => {
  await using database = await startedDatabase({ wakeOn: 'topics' })
  const notices: CommitNotice[] = []
  database.onCommit((notice) => notices.push(notice))
  await database.run(insert)
  await database.write((tx) => {
    tx.run(insert)
    tx.touch('posts')
  })
  assert.deepEqual(notices, [{ topics: new Set(['posts']), origin: 'here' }])
})

test('with topics, only commits that touch one of them', async () => {
  await using database = await startedDatabase()
  let posts = 0
  let any = 0
  database.onCommit(() => posts++, ['posts', 'drafts'])
  database.onCommit(() => any++)
  await database.write((tx) => tx.touch('users'))
  await database.write((tx) => tx.touch('users', 'posts'))
  await database.write((tx) => void tx.run(insert))
  assert.deepEqual([posts, any], [1, 3])
})

test('nothing is heard of what was rolled back', async () => {
  await using database = await startedDatabase()
  let count = 0
  database.onCommit(() => count++)
  const write = database.write((tx) => {
    tx.touch('posts')
    throw new Error('no')
  })
  await assert.rejects(write)
  assert.equal(count, 0)
})

test('a listener that throws is logged and disturbs nobody; one that has ended hears nothing', async () => {
  const logger = recordingLogger()
  await using database = await startedDatabase({ logger })
  let count = 0
  database.onCommit(() => {
    throw new Error('no')
  })
  const end = database.onCommit(() => count++)
  await database.run(insert)
  end()
  end()
  await database.run(insert)
  assert.equal(count, 1)
  assert.deepEqual(
    logger.lines.map(({ level }) => level),
    ['error', 'error'],
  )
})

test('the listener of a commit sees its rows', async () => {
  await using database = await startedDatabase()
  const seen: unknown[] = []
  database.onCommit(() => seen.push(database.get('select count(*) as n from t')))
  await database.run(insert)
  await database.run(insert)
  assert.deepEqual(seen, [{ n: 1 }, { n: 2 }])
})

test('of 1,000 commits of another process none is missed', async () => {
  using folder = temporaryFolder()
  await using database = await startedDatabase({ path: folder.file('app.sqlite3'), strangerInterval: '1h' })
  const count = (): number => database.get<{ n: number }>('select count(*) as n from t')!.n
  let last = 0
  database.onCommit(({ topics, origin }) => {
    assert.deepEqual([topics, origin], [undefined, 'elsewhere'])
    last = count()
  })
  await using writer = Child.start('writer-process', { options: { path: database.path, durability: 'os' } })
  assert.equal(await writer.next(), 'ready')
  await writer.ask({ commits: 1_000 })
  await waitUntil('the listener has seen the last commit', () => last === 1_000)
})

test('commits of a program that is not handcar are found by their version', async () => {
  using folder = temporaryFolder()
  await using database = await startedDatabase({ path: folder.file('app.sqlite3'), strangerInterval: 5 })
  const origins: string[] = []
  database.onCommit(({ origin }) => origins.push(origin))
  await using stranger = Child.start('stranger-process', { path: database.path })
  await stranger.next()
  for (let commits = 1; commits <= 3; commits++) {
    await stranger.ask({ exec: insert })
    await waitUntil('the commit is heard of', () => origins.length >= commits)
  }
  await database.run(insert)
  assert.deepEqual(origins.slice(0, 3), ['stranger', 'stranger', 'stranger'])
  assert.equal(origins.at(-1), 'here')
})

test('the wake file does not grow with the commits', async () => {
  using folder = temporaryFolder()
  await using database = await startedDatabase({ path: folder.file('app.sqlite3') })
  for (let commits = 0; commits < 50; commits++) await database.run(insert)
  assert.ok(statSync(`${database.path}.wake`).size <= 1)
})

test('a commit while the database stops disturbs nothing', async () => {
  for (let time = 0; time < 20; time++) {
    const database = await startedDatabase({ durability: 'os' })
    const writes = [database.run(insert), database.run(insert)]
    await database.stop()
    await Promise.all(writes)
  }
})
