import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { codeOf, errorOf } from '../../test/helpers/errors.ts'
import { temporaryDatabase } from '../testing/index.ts'
import type { Database } from './index.ts'
import type { Transaction } from './transaction.ts'

const startedDatabase = async (): Promise<Database> => {
  const database = await temporaryDatabase()
  await database.run('create table t (a integer primary key)')
  return database
}
const insert = (tx: Pick<Transaction, 'run'>, ...values: number[]): void =>
  values.forEach((value) => void tx.run('insert into t values (?)', [value]))
const rows = (database: Database): number[] =>
  database.all<{ a: number }>('select a from t order by a').map(({ a }) => a)

test('a body that throws takes everything back and its error arrives untouched', async () => {
  await using database = await startedDatabase()
  const error = new Error('no')
  const write = database.write((tx) => {
    insert(tx, 1)
    throw error
  })
  assert.equal(await errorOf(() => write), error)
  const late = database.write(async (tx) => {
    insert(tx, 2)
    await Promise.resolve()
    throw error
  })
  assert.equal(await errorOf(() => late), error)
  assert.deepEqual(rows(database), [])
})

test('what is thrown need not be an Error', async () => {
  await using database = await startedDatabase()
  for (const thrown of [undefined, null, 'text', 0]) {
    const outcome = await database
      .write((tx) => {
        insert(tx, 1)
        throw thrown
      })
      .then(
        () => 'resolved',
        (error: unknown) => ({ error }),
      )
    assert.deepEqual(outcome, { error: thrown })
  }
  assert.deepEqual(rows(database), [])
})

test('the value of a body arrives: of a sync one, an async one, a thenable', async () => {
  await using database = await startedDatabase()
  assert.equal(await database.write(() => 5), 5)
  assert.equal(await database.write(async () => 5), 5)
  assert.equal(await database.write(() => undefined), undefined)
  // oxlint-disable-next-line unicorn/no-thenable -- the point of the test
  const thenable = { then: (resolve: (value: number) => void) => resolve(7) }
  assert.equal(await database.write(() => thenable as unknown as Promise<number>), 7)
})

test("SQLite's own errors pass through", async () => {
  await using database = await startedDatabase()
  await database.write((tx) => insert(tx, 1))
  const error = await errorOf(() => database.write((tx) => insert(tx, 1)))
  assert.deepEqual([error.name, error.code], ['SqliteError', 'SQLITE_CONSTRAINT_PRIMARYKEY'])
})

test('an async body may await database work, however much', async () => {
  await using database = await startedDatabase()
  await database.write(async (tx) => {
    for (let value = 0; value < 2_000; value++) {
      tx.run('insert into t values (?)', [value])
      await Promise.resolve()
    }
  })
  assert.equal(rows(database).length, 2_000)
})

const waits: Record<string, () => Promise<unknown>> = {
  'a timer': () => sleep(1),
  'the next turn': () => turn(),
  'a file': () => readFile(import.meta.filename),
  nextTick: () => new Promise<void>((resolve) => process.nextTick(resolve)),
  'microtasks, then nextTick': async () => {
    await Promise.resolve()
    await Promise.resolve()
    await new Promise<void>((resolve) => process.nextTick(resolve))
  },
  nothing: () => new Promise(() => {}),
}
for (const [name, wait] of Object.entries(waits)) {
  test(`a body that waits for ${name} is rolled back by name, and the next write goes on`, async () => {
    await using database = await startedDatabase()
    const write = database.write(async function placeOrder(tx) {
      insert(tx, 1)
      await wait()
      insert(tx, 2)
    })
    const error = await errorOf(() => write)
    assert.deepEqual([error.name, error.code], ['TransactionScopeError', 'HANDCAR_TRANSACTION_PENDING'])
    assert.match(error.message, /placeOrder, called at .*transaction\.test\.ts/)
    await database.write((tx) => insert(tx, 3))
    await sleep(5)
    assert.deepEqual(rows(database), [3])
  })
}

test('late code of a body that was rolled back can do nothing, neither inside nor beside', async () => {
  await using database = await startedDatabase()
  const late = Promise.withResolvers<(string | undefined)[]>()
  const write = database.write(async (tx) => {
    insert(tx, 1)
    await turn()
    late.resolve([
      await codeOf(() => tx.get('select 1')),
      await codeOf(() => tx.all('select 1')),
      await codeOf(() => tx.run('insert into t values (2)')),
      await codeOf(() => tx.savepoint(() => {})),
      await codeOf(() => tx.touch('t')),
      await codeOf(() => database.get('select 1')),
      await codeOf(() => database.all('select 1')),
      await codeOf(() => database.read(() => {})),
      await codeOf(() => database.write((other) => insert(other, 3))),
      await codeOf(() => database.run('insert into t values (4)')),
    ])
  })
  assert.equal(await codeOf(() => write), 'HANDCAR_TRANSACTION_PENDING')
  assert.deepEqual(
    await late.promise,
    Array.from({ length: 10 }, () => 'HANDCAR_TRANSACTION_CLOSED'),
  )
  assert.deepEqual(rows(database), [])
})

test('a transaction that has ended cannot be used', async () => {
  await using database = await startedDatabase()
  let kept: Transaction | undefined
  await database.write((tx) => {
    kept = tx
  })
  for (const use of [
    () => kept!.get('select 1'),
    () => kept!.run('insert into t values (1)'),
    () => kept!.savepoint(() => {}),
  ])
    assert.equal(await codeOf(use), 'HANDCAR_TRANSACTION_CLOSED')
})

test('code that a committed body left behind works outside it', async () => {
  await using database = await startedDatabase()
  const late = Promise.withResolvers<void>()
  await database.write((tx) => {
    insert(tx, 1)
    setImmediate(() => late.resolve(database.write((other) => insert(other, 2))))
  })
  await late.promise
  assert.deepEqual(rows(database), [1, 2])
})

test('reads inside a body see its own rows, others do not before the commit', async () => {
  await using database = await startedDatabase()
  await database.write((tx) => {
    insert(tx, 1)
    assert.deepEqual(rows(database), [1])
    assert.deepEqual(database.get('select count(*) as n from t'), { n: 1 })
    assert.deepEqual(
      database.read((inner) => inner.all('select a from t')),
      [{ a: 1 }],
    )
    assert.equal(database.transaction, tx)
  })
  assert.equal(database.transaction, undefined)
})

test('the asynchronous context of the caller is the body`s', async () => {
  await using database = await startedDatabase()
  const request = new AsyncLocalStorage<string>()
  const seen = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      request.run(name, () => database.write(async () => (await Promise.resolve(), request.getStore()))),
    ),
  )
  assert.deepEqual(seen, ['a', 'b', 'c'])
})

test('two databases do not mix their transactions', async () => {
  await using one = await startedDatabase()
  await using other = await startedDatabase()
  await one.write((tx) => {
    insert(tx, 1)
    assert.equal(other.transaction, undefined)
    assert.deepEqual(rows(other), [])
  })
  const rolledBack = one.write(async (tx) => {
    insert(tx, 2)
    const write = other.write((inner) => insert(inner, 3))
    await write
  })
  assert.equal(await codeOf(() => rolledBack), 'HANDCAR_TRANSACTION_PENDING')
  await other.write(() => {})
  assert.deepEqual([rows(one), rows(other)], [[1], [3]])
})

test('a savepoint that throws takes itself back and nothing else', async () => {
  await using database = await startedDatabase()
  await database.write((tx) => {
    insert(tx, 1)
    assert.throws(() =>
      tx.savepoint((inner) => {
        insert(inner, 2)
        throw new Error('no')
      }),
    )
    assert.equal(
      tx.savepoint((inner) => (insert(inner, 3), 'value')),
      'value',
    )
    insert(tx, 4)
  })
  assert.deepEqual(rows(database), [1, 3, 4])
})

test('savepoints nest, one beside the other and one in the other, sync and async', async () => {
  await using database = await startedDatabase()
  await database.write(async (tx) => {
    await tx.savepoint(async (outer) => {
      insert(outer, 1)
      await outer
        .savepoint(async (inner) => {
          insert(inner, 2)
          await Promise.resolve()
          inner.savepoint((innermost) => insert(innermost, 3))
          throw new Error('no')
        })
        .catch(() => {})
      outer.savepoint((sibling) => insert(sibling, 4))
    })
    await assert.rejects(
      tx.savepoint(async (failing) => {
        failing.savepoint((released) => insert(released, 5))
        throw new Error('no')
      }),
    )
    insert(tx, 6)
  })
  assert.deepEqual(rows(database), [1, 4, 6])
})

test('code that a released savepoint left behind belongs to the transaction around it', async () => {
  await using database = await startedDatabase()
  await database.write(async (tx) => {
    let late: Promise<unknown> | undefined
    tx.savepoint(() => {
      late = Promise.resolve().then(() => [rows(database), database.write((inner) => insert(inner, 2))])
    })
    insert(tx, 1)
    const [seen, write] = (await late) as [number[], Promise<void>]
    await write
    assert.deepEqual(seen, [1])
  })
  assert.deepEqual(rows(database), [1, 2])
})

test('while a savepoint is open its outer transaction refuses, and the savepoint goes on', async () => {
  await using database = await startedDatabase()
  await database.write(async (tx) => {
    const inner = tx.savepoint(async (savepoint) => {
      insert(savepoint, 1)
      await Promise.resolve()
      insert(savepoint, 2)
    })
    assert.equal(await codeOf(() => tx.run('insert into t values (3)')), 'HANDCAR_TRANSACTION_NESTED')
    await inner
    insert(tx, 4)
  })
  assert.deepEqual(rows(database), [1, 2, 4])
})

test('a body that returns while its savepoint is open is rolled back', async () => {
  await using database = await startedDatabase()
  let inner: Promise<void> | undefined
  const write = database.write((tx) => {
    insert(tx, 1)
    inner = tx.savepoint(async (savepoint) => {
      insert(savepoint, 2)
      await Promise.resolve()
      insert(savepoint, 3)
    })
    inner.catch(() => {})
  })
  assert.equal(await codeOf(() => write), 'HANDCAR_TRANSACTION_NESTED')
  assert.equal(await codeOf(() => inner), 'HANDCAR_TRANSACTION_CLOSED')
  assert.deepEqual(rows(database), [])
})

test('write() inside a body joins it: sync or async, awaited or not', async () => {
  await using database = await startedDatabase()
  const unawaited: Promise<unknown>[] = []
  await database.write((tx) => {
    insert(tx, 1)
    unawaited.push(database.write((inner) => insert(inner, 2)))
  })
  await Promise.all(unawaited)
  await database.write(async (tx) => {
    insert(tx, 3)
    assert.equal(
      await database.write(async (inner) => (await Promise.resolve(), insert(inner, 4), 'value')),
      'value',
    )
    await database.run('insert into t values (5)')
    insert(tx, 6)
  })
  assert.deepEqual(rows(database), [1, 2, 3, 4, 5, 6])
  assert.equal(database.stats().writes.committed, 3, 'joined writes are no writes of their own')
})

test('many writes inside a body at once run one after the other', async () => {
  await using database = await startedDatabase()
  const order: number[] = []
  const outcomes = await database.write((tx) => {
    insert(tx, 0)
    return Promise.allSettled(
      [1, 2, 3, 4].map((value) =>
        database.write(async (inner) => {
          order.push(value)
          insert(inner, value)
          await Promise.resolve()
          order.push(value)
          if (value === 2) throw new Error('no')
        }),
      ),
    )
  })
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(order, [1, 1, 2, 2, 3, 3, 4, 4])
  assert.deepEqual(rows(database), [0, 1, 3, 4])
})

test('an inner write rolls back with the outer one', async () => {
  await using database = await startedDatabase()
  const write = database.write(async () => {
    await database.run('insert into t values (1)')
    throw new Error('no')
  })
  await assert.rejects(write, /no/)
  assert.deepEqual(rows(database), [])
})

test('after SQLite has rolled the transaction back, the body cannot go on outside it', async () => {
  await using database = await startedDatabase()
  await database.run('insert into t values (1)')
  const write = database.write((tx) => {
    insert(tx, 2)
    assert.throws(() => tx.run('insert or rollback into t values (1)'), {
      code: 'SQLITE_CONSTRAINT_PRIMARYKEY',
    })
    insert(tx, 3)
  })
  assert.equal(await codeOf(() => write), 'HANDCAR_TRANSACTION_ROLLED_BACK')
  const nested = database.write((tx) => {
    assert.throws(() => tx.savepoint((inner) => inner.run('insert or rollback into t values (1)')))
    insert(tx, 4)
  })
  assert.equal(await codeOf(() => nested), 'HANDCAR_TRANSACTION_ROLLED_BACK')
  assert.deepEqual(rows(database), [1])
})

test('what begins or ends a transaction is refused by name, however it is hidden', async () => {
  await using database = await startedDatabase()
  const hidden = [
    'begin',
    'BEGIN IMMEDIATE',
    'commit',
    'end',
    'rollback',
    'savepoint handcar',
    'release handcar',
    ' \n\t commit',
    ';commit',
    '; ; rollback',
    '-- a comment\ncommit',
    '/* one */ /* two **/ commit',
    '/**/-- three\n;commit',
    '\u{feff}commit',
    "attach ':memory:' as other",
    'detach main',
    'vacuum',
    'pragma foreign_keys = off',
    'pragma foreign_keys(off)',
    'pragma main.query_only = 1',
    'pragma journal_mode(delete)',
    'pragma wal_checkpoint(truncate)',
  ]
  for (const text of hidden) {
    const write = database.write((tx) => {
      insert(tx, 1)
      tx.run(text)
    })
    assert.equal(await codeOf(() => write), 'HANDCAR_STATEMENT_CONTROL', text)
  }
  assert.deepEqual(rows(database), [])
})

test('words that only look like control are not refused', async () => {
  await using database = await startedDatabase()
  await database.run("create table commits (text default 'commit; rollback')")
  await database.write((tx) => tx.run('/* commit */ insert into commits default values -- rollback'))
  assert.deepEqual(database.all('select * from commits'), [{ text: 'commit; rollback' }])
  assert.equal(database.all('pragma table_info(t)').length, 1)
  await database.write((tx) => tx.run('pragma user_version = 5'))
  assert.deepEqual(database.get('pragma user_version'), { user_version: 5 })
})

test('many comments before a statement cost no time', async () => {
  await using database = await startedDatabase()
  const before = process.cpuUsage()
  database.get(`${'/* a */ '.repeat(200)} select 1`)
  database.get(`/*${'*'.repeat(100_000)}*/ select 1`)
  const { user } = process.cpuUsage(before)
  assert.ok(user < 500_000, `${user} µs`)
})
