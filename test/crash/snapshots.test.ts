import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Snapshots } from 'handcar/backup'
import { Database } from 'handcar/database'
import { Child as Helper } from '../helpers/child.ts'
import { codeOf } from '../helpers/errors.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Child } from './child.ts'
import { Random } from './random.ts'
import { cannotMount, SmallDisk } from './small-disk.ts'
import { isSoak } from './soak.ts'

/**
 * Snapshots and restores that are killed, or meet a full disk, at any moment. A snapshot that is listed must be whole; the database
 * must be whole all the time, and be the old one or the new one; what was begun must be gone after the next.
 */

const quiet = { warn() {}, error() {}, info() {}, debug() {} }
const rounds = isSoak ? 200 : 12

/** A database of so many megabytes, and a bit. */
async function databaseOf(path: string, megabytes: number): Promise<void> {
  await using database = new Database({ path, readers: false, logger: quiet })
  await database.start()
  await database.run('create table filling (id integer primary key, bytes blob)')
  for (let count = 0; count < megabytes; count++)
    await database.run('insert into filling (bytes) values (randomblob(1048576))')
}

async function countOf(path: string): Promise<number> {
  await using database = new Database({ path, readOnly: true, readers: false, logger: quiet })
  await database.start()
  assert.deepEqual(database.get('pragma integrity_check'), { integrity_check: 'ok' })
  return database.get<{ count: number }>('select count(*) as count from filling')!.count
}

/** Processes that work on files of a folder. */
function workingOn(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandOf(pid).includes(folder))
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

const partials = (folder: string): string[] => readdirSync(folder).filter((file) => file.includes('.partial'))

test('snapshots killed at random moments, beside a writer', { timeout: 300_000 }, async (t) => {
  const random = new Random()
  t.diagnostic(`HANDCAR_SEED=${random.seed}`)
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await databaseOf(path, 20)
  const snapshots = new Snapshots({ path, logger: quiet })
  const whole = (await snapshots.create({ name: 'first' })).duration
  {
    await using writer = Helper.start('flat-out-writer-process', { path })
    await writer.next()
    let unfinished = 0
    for (let round = 0; round < rounds; round++) {
      const maker = new Child('snapshots-process', { path })
      await maker.started
      await sleep(random.next() * whole * 2)
      await maker.kill()
      unfinished += partials(snapshots.folder).length
      for (const { name } of await snapshots.list()) await snapshots.check(name)
      await snapshots.create({ name: 'next' })
      assert.deepEqual(partials(snapshots.folder), [])
      await snapshots.delete('next')
    }
    t.diagnostic(`${unfinished} files were left by ${rounds} kills`)
    assert.ok(unfinished > 0, 'no kill fell into a copy')
  }
  await waitUntil('orphans end', () => workingOn(folder.path).length === 0)
  assert.deepEqual(partials(snapshots.folder), [], 'an orphan has left a file')
})

test('restores killed at random moments', { timeout: 300_000 }, async (t) => {
  const random = new Random()
  t.diagnostic(`HANDCAR_SEED=${random.seed}`)
  using folder = temporaryFolder()
  const path = folder.file('app.sqlite3')
  await databaseOf(path, 5)
  const snapshots = new Snapshots({ path, logger: quiet })
  await snapshots.create({ name: 'five' })
  const startedAt = performance.now()
  await snapshots.restore('five')
  const whole = performance.now() - startedAt
  removeSetAside(folder.path)
  const seen = new Set<number>()
  for (let round = 0; round < rounds; round++) {
    await addOne(path)
    const before = await countOf(path)
    const restorer = new Child('snapshots-process', { path, restore: 'five' })
    await restorer.started
    await sleep(random.next() * whole * 1.2)
    await restorer.kill()
    await waitUntil('orphans end', () => workingOn(folder.path).length === 0)
    const count = await countOf(path)
    assert.ok([5, before].includes(count), `expected 5 or ${before} rows, got ${count}`)
    seen.add(count)
    if (count === 5 && before !== 5) await assertSetAside(folder.path, before)
    removeSetAside(folder.path)
  }
  t.diagnostic(`rows afterwards: ${[...seen].join(', ')}`)
  await snapshots.restore('five')
  assert.equal(await countOf(path), 5)
})

async function addOne(path: string): Promise<void> {
  await using database = new Database({ path, readers: false, logger: quiet })
  await database.start()
  await database.run("insert into filling (bytes) values ('one more')")
}

function removeSetAside(folder: string): void {
  for (const each of readdirSync(folder))
    if (each.startsWith('replaced-')) rmSync(join(folder, each), { recursive: true })
}

async function assertSetAside(folder: string, count: number): Promise<void> {
  const replaced = readdirSync(folder).find((each) => each.startsWith('replaced-'))!
  assert.equal(await countOf(join(folder, replaced, 'app.sqlite3')), count)
}

test(
  'a disk that is full before a snapshot, and in the middle of one',
  { skip: cannotMount, timeout: 120_000 },
  async () => {
    using disk = new SmallDisk(200)
    const path = disk.file('app.sqlite3')
    await databaseOf(path, 40)
    const snapshots = new Snapshots({ path, logger: quiet })
    disk.fill(10 * 1_024 ** 2)
    assert.equal(await codeOf(() => snapshots.create()), 'HANDCAR_DISK_FULL')
    disk.release()
    for (let round = 0; ; round++) {
      assert.ok(round < 20, 'the disk was never full in time')
      const made = snapshots.create({ name: 'made' }).then(
        () => 'in time',
        (error: { code?: string }) => error.code,
      )
      const filled = fillWhenBegun(disk, snapshots.folder)
      const outcome = await made
      await filled
      disk.release()
      assert.deepEqual(partials(snapshots.folder), [])
      if (outcome === 'HANDCAR_DISK_FULL') break
      assert.equal(outcome, 'in time')
      await snapshots.delete('made')
    }
    assert.deepEqual(await snapshots.list(), [])
    await addOne(path)
    assert.equal(await countOf(path), 41)
    await snapshots.create({ name: 'made' })
    disk.fill(1_024 ** 2)
    assert.equal(await codeOf(() => snapshots.restore('made')), 'HANDCAR_DISK_FULL')
    disk.release()
    assert.equal(await countOf(path), 41)
    assert.ok(!existsSync(`${path}.partial`))
  },
)

async function fillWhenBegun(disk: SmallDisk, folder: string): Promise<void> {
  const hasBegun = (): boolean =>
    partials(folder).some((file) => (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0) > 0)
  const isDone = (): boolean => readdirSync(folder).includes('made.sqlite3')
  await waitUntil('the copy begins', () => hasBegun() || isDone())
  try {
    disk.fill()
  } catch (error) {
    // The copy went on meanwhile, and took some of the space.
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
  }
}
