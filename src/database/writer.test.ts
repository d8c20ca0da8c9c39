import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Child } from '../../test/helpers/child.ts'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { temporaryDatabase } from '../testing/index.ts'
import type { CommitMessage, Database, DatabaseOptions } from './index.ts'

const startedDatabase = async (options: Partial<DatabaseOptions> = {}): Promise<Database> => {
  // On a slow machine a batch would otherwise end early, at its limit of time.
  const database = await temporaryDatabase({ batchDuration: '1m', ...options })
  await database.run('create table t (a integer primary key)')
  return database
}
const insert = (database: Database, value: number): Promise<unknown> =>
  database.run('insert into t values (?)', [value])
const rows = (database: Database): number[] =>
  database.all<{ a: number }>('select a from t order by a').map(({ a }) => a)
const range = (length: number): number[] => Array.from({ length }, (_, index) => index)

/** Collects the messages of an event while the block runs. */
function collect<Message>(name: string): Message[] & Disposable {
  const messages: Message[] = []
  const listener = (message: unknown): void => void messages.push(message as Message)
  subscribe(name, listener)
  return Object.assign(messages, { [Symbol.dispose]: () => unsubscribe(name, listener) })
}

test('writes that are called in one turn commit together, in order', async () => {
  await using database = await startedDatabase()
  using commits = collect<CommitMessage>('handcar.database.commit')
  const order: number[] = []
  const resolved: number[] = []
  await Promise.all(
    range(100).map((value) =>
      database
        .write(
          (tx) => {
            order.push(value)
            tx.run('insert into t values (?)', [value])
          },
          { label: `write ${value}` },
        )
        .then(() => resolved.push(value)),
    ),
  )
  assert.deepEqual([order, resolved, rows(database)], [range(100), range(100), range(100)])
  assert.equal(commits.length, 1)
  assert.deepEqual(
    commits[0]!.labels,
    range(100).map((value) => `write ${value}`),
  )
  assert.equal(commits[0]!.writes, 100)
})

for (const failing of [[0], [3], [9], [0, 1, 2], [0, 5, 9], range(10)]) {
  test(`of ten bodies ${failing.join(', ')} throw: each takes back only itself`, async () => {
    await using database = await startedDatabase()
    const outcomes = await Promise.allSettled(
      range(10).map((value) =>
        database.write(async (tx) => {
          tx.run('insert into t values (?)', [value])
          await Promise.resolve()
          if (failing.includes(value)) throw new Error(`no ${value}`)
          return value
        }),
      ),
    )
    const kept = range(10).filter((value) => !failing.includes(value))
    assert.deepEqual(rows(database), kept)
    outcomes.forEach((outcome, value) => {
      if (outcome.status === 'fulfilled') assert.equal(outcome.value, value)
      else assert.match(String(outcome.reason), new RegExp(`no ${value}$`))
    })
    assert.deepEqual(
      outcomes.flatMap(({ status }, value) => (status === 'fulfilled' ? [value] : [])),
      kept,
    )
    await turn()
    const { committed, failed } = database.stats().writes
    assert.deepEqual([committed, failed], [kept.length + 1, failing.length])
  })
}

const enders: Record<string, { schema: string; statement: string }> = {
  'insert or rollback': { schema: '', statement: 'insert or rollback into t values (100)' },
  'a trigger that raises rollback': {
    schema: "create trigger r before insert on t when new.a = -1 begin select raise(rollback, 'no'); end",
    statement: 'insert into t values (-1)',
  },
}
for (const [name, { schema, statement }] of Object.entries(enders)) {
  test(`${name} loses the batch, says so to every body, and nothing is half there`, async () => {
    await using database = await startedDatabase()
    await insert(database, 100)
    if (schema) await database.run(schema)
    const codes = await Promise.all([
      codeOf(() => insert(database, 1)),
      codeOf(() => insert(database, 2)),
      codeOf(() => database.run(statement)),
      insert(database, 3).then(() => 'committed'),
    ])
    assert.deepEqual(codes.slice(0, 2), [
      'HANDCAR_TRANSACTION_ROLLED_BACK',
      'HANDCAR_TRANSACTION_ROLLED_BACK',
    ])
    assert.match(codes[2]!, /^SQLITE_CONSTRAINT/)
    assert.equal(codes[3], 'committed')
    assert.deepEqual(rows(database), [3, 100])
  })
}

test('a foreign key that is checked at commit fails the body that broke it alone', async () => {
  await using database = await startedDatabase({
    partMigrations: {
      test: [
        {
          name: '1',
          sql: 'create table p (id integer primary key); create table c (id integer, p references p deferrable initially\n deferred)',
        },
      ],
    },
  })
  const codes = await Promise.all([
    insert(database, 1).then(() => 'committed'),
    codeOf(() => database.run('insert into c values (1, 7)')),
    insert(database, 2).then(() => 'committed'),
    database
      .write((tx) => {
        tx.run('insert into c values (2, 8)')
        tx.run('insert into p values (8)')
      })
      .then(() => 'committed'),
  ])
  assert.deepEqual(codes, ['committed', 'SQLITE_CONSTRAINT_FOREIGNKEY', 'committed', 'committed'])
  assert.deepEqual(rows(database), [1, 2])
  assert.deepEqual(database.all('select id from c'), [{ id: 2 }])
})

test('a batch is bounded by its number of bodies', async () => {
  await using database = await startedDatabase({ batchSize: 10 })
  using commits = collect<CommitMessage>('handcar.database.commit')
  await Promise.all(range(25).map((value) => insert(database, value)))
  assert.deepEqual(
    commits.map(({ writes }) => writes),
    [10, 10, 5],
  )
})

test('a batch is bounded by its duration, and between two batches the event loop gets its turn', async () => {
  await using database = await startedDatabase({ batchDuration: 5 })
  using commits = collect<CommitMessage>('handcar.database.commit')
  let turns = 0
  const writing = new AbortController()
  const counting = (async () => {
    while (!writing.signal.aborted) {
      await turn()
      turns++
    }
  })()
  await Promise.all(
    range(10).map(() =>
      database.write(() => {
        const endAt = performance.now() + 5
        while (performance.now() < endAt);
      }),
    ),
  )
  writing.abort()
  await counting
  assert.equal(commits.length, 10)
  assert.ok(turns >= 10, `${turns} turns`)
})

test('a signal that has aborted already, or aborts while the write waits, takes it back', async () => {
  await using database = await startedDatabase()
  const reason = new Error('gone')
  assert.equal(await errorOf(() => database.write(() => {}, { signal: AbortSignal.abort(reason) })), reason)
  const controller = new AbortController()
  let ran = false
  const write = database.write(
    () => {
      ran = true
    },
    { signal: controller.signal },
  )
  const other = insert(database, 1)
  assert.equal(database.stats().writes.queued, 2)
  controller.abort(reason)
  assert.equal(database.stats().writes.queued, 1)
  assert.equal(await errorOf(() => write), reason)
  await other
  assert.deepEqual([ran, rows(database)], [false, [1]])
})

test('a signal that aborts when the body runs, or later, changes nothing', async () => {
  await using database = await startedDatabase({ durability: 'disk' })
  const controller = new AbortController()
  const write = database.write(
    (tx) => {
      tx.run('insert into t values (1)')
      controller.abort()
      return 'value'
    },
    { signal: controller.signal },
  )
  assert.equal(await write, 'value')
  const later = new AbortController()
  const abort = (): void => later.abort()
  subscribe('handcar.database.commit', abort)
  await database.write((tx) => tx.run('insert into t values (2)'), { signal: later.signal })
  unsubscribe('handcar.database.commit', abort)
  assert.ok(later.signal.aborted, 'aborted between commit and sync')
  assert.equal(database.stats().writes.queued, 0)
  await insert(database, 3)
  assert.deepEqual(rows(database), [1, 2, 3])
})

test('more writes than may wait are refused at once', async () => {
  await using database = await startedDatabase({ maxQueuedWrites: 3 })
  const writes = range(3).map((value) => insert(database, value))
  const error = await errorOf(() => insert(database, 9))
  assert.deepEqual([error.name, error.code], ['BusyError', 'HANDCAR_WRITE_QUEUE_FULL'])
  await Promise.all(writes)
  await insert(database, 4)
  assert.deepEqual(rows(database), [0, 1, 2, 4])
})

test('options and bodies of the wrong kind are refused', async () => {
  await using database = await startedDatabase()
  const wrong: object[] = [
    { lable: 'a' },
    { label: '' },
    { label: 1 },
    { timeout: -1 },
    { timeout: NaN },
    { signal: {} },
    { durability: 'full' },
  ]
  for (const options of wrong)
    assert.match(
      (await codeOf(() => database.write(() => {}, options))) ?? '',
      /^HANDCAR_OPTION/,
      JSON.stringify(options),
    )
  assert.equal(await codeOf(() => database.write(() => {}, null as never)), 'HANDCAR_OPTION_INVALID')
  for (const body of [undefined, null, '', 'select 1', 0, {}, Promise.resolve()])
    assert.equal(await codeOf(() => database.write(body as never)), 'HANDCAR_OPTION_INVALID')
  for (const body of [undefined, null, '', 0])
    assert.equal(await codeOf(() => database.read(body as never)), 'HANDCAR_OPTION_INVALID')
  for (const query of [undefined, null, 0, {}, [], Buffer.from('select 1')]) {
    assert.equal(await codeOf(() => database.get(query as never)), 'HANDCAR_OPTION_INVALID')
    assert.equal(await codeOf(() => database.run(query as never)), 'HANDCAR_OPTION_INVALID')
    assert.equal(await codeOf(() => database.query(query as never)), 'HANDCAR_OPTION_INVALID')
  }
})

test('a write that waits longer than its deadline fails and names who holds the lock', async () => {
  using folder = temporaryFolder()
  await using database = await startedDatabase({ path: folder.file('app.sqlite3') })
  await using stranger = Child.start('stranger-process', { path: database.path })
  assert.equal(await stranger.next(), 'ready')
  await stranger.ask({ exec: 'begin immediate' })
  using busy = collect<{ waited: number }>('handcar.database.busy')
  const startedAt = performance.now()
  const [short, long] = [
    errorOf(() => database.write(() => {}, { timeout: 100, label: 'short' })),
    database.run('insert into t values (1)', [], { timeout: '20s' }),
  ]
  const error = await short
  const waited = performance.now() - startedAt
  assert.deepEqual([error.name, error.code], ['BusyError', 'HANDCAR_DATABASE_BUSY'])
  assert.ok(waited > 80 && waited < 2_000, `${waited} ms`)
  assert.match(error.message, new RegExp(`held by process ${stranger.pid} \\(.*stranger-process`))
  assert.deepEqual(
    (error.details as { holders: { pid: number }[] }).holders.map(({ pid }) => pid),
    [stranger.pid],
  )
  assert.ok(busy.length > 0 && busy.at(-1)!.waited > 50)
  await stranger.ask({ exec: 'commit' })
  await long
  assert.deepEqual(rows(database), [1])
})

test('stop() lets queued writes finish and takes no new ones', async () => {
  const database = await startedDatabase()
  const writes = range(1_000).map((value) => insert(database, value))
  const stop = database.stop()
  assert.match((await codeOf(() => insert(database, 5_000)))!, /^HANDCAR_(STOPPED|NOT_STARTED)$/)
  await Promise.all([stop, ...writes])
  assert.equal(await codeOf(() => insert(database, 5_001)), 'HANDCAR_NOT_STARTED')
})

test('stop() answers writes that cannot get the lock in time', async () => {
  using folder = temporaryFolder()
  const database = await startedDatabase({ path: folder.file('app.sqlite3') })
  await using stranger = Child.start('stranger-process', { path: database.path })
  await stranger.next()
  await stranger.ask({ exec: 'begin immediate' })
  const write = errorOf(() => insert(database, 1))
  const startedAt = performance.now()
  await database.stop({ timeout: 50 })
  assert.equal((await write).code, 'HANDCAR_STOPPED')
  assert.ok(performance.now() - startedAt < 2_000)
})

test('with durability os a write does not wait for the disk, with disk it does', async () => {
  using folder = temporaryFolder()
  await using database = await startedDatabase({ path: folder.file('app.sqlite3'), durability: 'disk' })
  const syncs = (): number => database.stats().writes.sync.count
  const before = syncs()
  await insert(database, 1)
  assert.equal(syncs(), before + 1)
  await database.run('insert into t values (2)', [], { durability: 'os' })
  assert.equal(syncs(), before + 1)
})

test('what follows from a write that waits for no disk may commit in the same turn, and the loop turns again soon', async () => {
  await using database = await startedDatabase({ durability: 'os' })
  const clock = { turns: 0, isRunning: true }
  const counted = (async () => {
    for (; clock.isRunning; clock.turns++) await turn()
  })()
  let writes = 0
  // Beside other work each write may take longer than a turn lets it.
  for (let hadTwo = false; !hadTwo; writes++) {
    const before = clock.turns
    await insert(database, writes)
    hadTwo = writes > 0 && clock.turns === before
  }
  const before = clock.turns
  const last = writes + 1_000
  while (writes < last) await insert(database, writes++)
  assert.ok(clock.turns - before > 2, `${clock.turns - before} turns`)
  clock.isRunning = false
  await counted
  assert.equal(rows(database).length, writes)
})

test('events tell of waits, commits and queries', async () => {
  await using database = await startedDatabase()
  using waits = collect<{ label: string; waited: number; path: string }>('handcar.database.wait')
  using commits = collect<CommitMessage>('handcar.database.commit')
  using queries = collect<{ text: string; duration: number; readonly: boolean }>('handcar.database.query')
  await database.write(function placeOrder(tx) {
    tx.run('insert into t values (?)', [1])
  })
  database.get('select a from t where a = ?', [1])
  assert.deepEqual(
    waits.map(({ label, path }) => [label, path]),
    [['placeOrder', database.path]],
  )
  assert.ok(waits[0]!.waited >= 0 && waits[0]!.waited < 5_000)
  assert.deepEqual(
    commits.map(({ writes, labels }) => [writes, labels]),
    [[1, ['placeOrder']]],
  )
  assert.ok(commits[0]!.held >= 0)
  assert.deepEqual(
    queries.map(({ text, readonly }) => [text, readonly]),
    [
      ['insert into t values (?)', false],
      ['select a from t where a = ?', true],
    ],
  )
})
