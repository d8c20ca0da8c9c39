import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDatabase } from '../testing/index.ts'
import { sql, type Query } from './query.ts'

const parts = ({ text, parameters }: Query) => [text, parameters]

test('values become parameters, never text', () => {
  assert.deepEqual(parts(sql`select * from posts where id = ${7} and title = ${'a'}`), [
    'select * from posts where id = ? and title = ?',
    [7, 'a'],
  ])
  assert.deepEqual(parts(sql`select 1`), ['select 1', []])
})

test('the same template gives the same text with its own values', () => {
  const byId = (id: number) => sql`select * from posts where id = ${id}`
  assert.deepEqual([byId(1).parameters, byId(2).parameters], [[1], [2]])
  assert.equal(byId(1).text, byId(2).text)
})

test('queries inside queries are inlined with their values in order', () => {
  const published = sql`state = ${'published'} and author = ${2}`
  const order = sql`order by ${sql`id`} desc`
  assert.deepEqual(parts(sql`select * from posts where id > ${1} and ${published} ${order} limit ${10}`), [
    'select * from posts where id > ? and state = ? and author = ? order by id desc limit ?',
    [1, 'published', 2, 10],
  ])
})

test('a list becomes one parameter for each value', () => {
  assert.deepEqual(parts(sql`id in (${sql.list([1, 2, 3])}) and a = ${4}`), [
    'id in (?, ?, ?) and a = ?',
    [1, 2, 3, 4],
  ])
})

test('lists of any length run: an empty one matches nothing', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table posts (id integer)')
  await database.run('insert into posts values (1), (2), (null)')
  const count = (ids: number[]) =>
    database.get<{ n: number }>(sql`select count(*) as n from posts where id in (${sql.list(ids)})`)?.n
  assert.deepEqual([count([]), count([1]), count([1, 2, 3])], [0, 1, 2])
})

test('an attempt at injection stays a value', async () => {
  await using database = await temporaryDatabase()
  await database.run('create table users (name text)')
  const attacks = [
    "'; drop table users; --",
    "' or '1' = '1",
    '\0',
    '?',
    ':name',
    '${1}',
    '"',
    '\u{1F600}',
    "\\'",
  ]
  for (const name of attacks) {
    await database.run(sql`insert into users values (${name})`)
    assert.deepEqual(database.all(sql`select name from users where name = ${name}`), [{ name }])
  }
  assert.deepEqual(database.get('select count(*) as n from users'), { n: attacks.length })
})

test('a question mark in a text of the statement is not a parameter', async () => {
  await using database = await temporaryDatabase()
  assert.deepEqual(database.get(sql`select '?' as a, ${5} as b`), { a: '?', b: 5 })
})
