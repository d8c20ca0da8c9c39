import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { Child } from '../../test/helpers/child.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { temporaryDatabase } from '../testing/index.ts'
import { describeHolders, lockHolders } from './lock-holders.ts'

const inLinux = { skip: existsSync('/proc/locks') ? false : 'needs /proc/locks' }

test('who holds the write lock, and who holds a read mark, is told', inLinux, async () => {
  using folder = temporaryFolder()
  await using database = await temporaryDatabase({ path: folder.file('app.sqlite3') })
  await database.run('create table t (a)')
  await using stranger = Child.start('stranger-process', { path: database.path })
  await stranger.next()
  assert.deepEqual(lockHolders(database.path), { writers: [], readers: [] })

  await stranger.ask({ exec: 'begin immediate; insert into t values (1)' })
  const { writers } = lockHolders(database.path)
  assert.deepEqual(
    writers.map(({ pid }) => pid),
    [stranger.pid],
  )
  assert.match(writers[0]!.command, /stranger-process/)

  await stranger.ask({ exec: 'commit; begin; select * from t' })
  await stranger.ask({ all: 'select * from t' })
  const after = lockHolders(database.path)
  assert.deepEqual([after.writers, after.readers.map(({ pid }) => pid)], [[], [stranger.pid]])
})

test('where nothing is known the answer is empty', () => {
  assert.deepEqual(lockHolders('/nowhere/app.sqlite3'), { writers: [], readers: [] })
})

test('processes are described with their command where it is known', () => {
  const described = describeHolders([
    { pid: 1, command: 'sqlite3 app.sqlite3' },
    { pid: 2, command: '' },
  ])
  assert.equal(described, 'process 1 (sqlite3 app.sqlite3), process 2')
})
