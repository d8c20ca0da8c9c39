import assert from 'node:assert/strict'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Child } from '../../test/helpers/child.ts'
import { temporaryFolder } from '../../test/helpers/temporary-folder.ts'
import { ProcessSeat } from './process-seat.ts'

const kind = 'test'

test('a seat is taken until its process leaves it, and its file goes with it', () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const seat = ProcessSeat.take(path, kind)
  assert.equal(ProcessSeat.isEmpty(path, kind, seat.name), false)
  assert.equal(ProcessSeat.inherit(path, kind, seat.name), undefined)
  assert.deepEqual(readdirSync(folder.path), [`app.sqlite3.test-${seat.name}`])
  seat[Symbol.dispose]()
  assert.equal(ProcessSeat.isEmpty(path, kind, seat.name), true)
  assert.deepEqual(readdirSync(folder.path), [])
})

test('one process that stands still keeps its seat; of one that is killed there is one heir', async () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await using holder = Child.start('seat-process', { path, kind })
  const name = await holder.next<string>()
  holder.signal('SIGSTOP')
  assert.equal(ProcessSeat.isEmpty(path, kind, name), false)
  await holder.kill()
  assert.equal(ProcessSeat.isEmpty(path, kind, name), true)
  using heir = ProcessSeat.inherit(path, kind, name)
  assert.equal(heir?.name, name)
  await using rival = Child.start('seat-process', { path, kind, inherit: name })
  assert.equal(await rival.next(), 'refused')
  heir[Symbol.dispose]()
  assert.ok(!existsSync(`${path}.test-${name}`))
})

test('tidying removes what killed processes have left, and nothing that is young or held', () => {
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  const longAgo = new Date(Date.now() - 120_000)
  using held = ProcessSeat.take(path, kind)
  for (const file of [`${path}.test-old`, `${path}.test-young`, `${path}.other-old`]) writeFileSync(file, '')
  for (const file of ['test-old', `test-${held.name}`, 'other-old'])
    utimesSync(`${path}.${file}`, longAgo, longAgo)
  assert.deepEqual(ProcessSeat.tidy(path, kind), ['old'])
  assert.deepEqual(
    readdirSync(folder.path).sort(),
    [`app.sqlite3.test-${held.name}`, 'app.sqlite3.test-young', 'app.sqlite3.other-old'].sort(),
  )
  assert.equal(ProcessSeat.isEmpty(path, kind, held.name), false)
})
