import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { restoreFromReplicas, type RestoreOptions } from '../../src/backup/restore/restore.ts'
import { Database } from '../../src/database/index.ts'
import { Child } from '../helpers/child.ts'
import { litestreams } from '../helpers/litestream.ts'
import { folderReplica, Replicator } from '../helpers/replicator.ts'
import { temporaryFolder, type TemporaryFolder } from '../helpers/temporary-folder.ts'
import { waitUntil } from '../helpers/wait-until.ts'
import { Random } from './random.ts'
import { cannotMount, SmallDisk } from './small-disk.ts'
import { isSoak } from './soak.ts'

/**
 * Restores from a replica that are killed, or meet a full disk, at any moment. Under the name of the database there is a whole one
 * all the time, the old or the new; what was begun is gone after the next restore.
 */

const quiet = { warn() {}, error() {}, info() {}, debug() {} }
const rounds = isSoak ? 200 : 10
const lines = ['0.3', '0.5'] as const
type Line = (typeof lines)[number]

/** A database of so many megabytes at a path, and what restores it from its replica. */
async function replicated(
  line: Line,
  place: TemporaryFolder,
  path: string,
  megabytes: number,
): Promise<RestoreOptions> {
  const replica = folderReplica(place.file('replica'))
  await using replicator = new Replicator({ line, path, replica, folder: place.path })
  {
    const sql = 'create table filling (id integer primary key, bytes blob)'
    await using database = new Database({
      path,
      readers: false,
      checkpointer: false,
      logger: quiet,
      partMigrations: { test: [{ name: '1', sql }] },
    })
    await database.start()
    await replicator.start()
    for (let count = 0; count < megabytes; count++)
      await database.run('insert into filling (bytes) values (randomblob(1048576))')
    await replicator.untilSent()
    await replicator.stop()
  }
  return {
    databases: [{ name: 'app', path }],
    replicas: [replica],
    binary: { path: litestreams[line].path, line },
    environment: {},
    now: Date.now(),
  }
}

/** A process that is killed gives its memory back first, and its locks a moment later. */
const patience = { timeout: 10_000 }

function countOf(path: string): number {
  using database = new DatabaseSync(path, patience)
  assert.deepEqual({ ...database.prepare('pragma integrity_check').get() }, { integrity_check: 'ok' })
  return Number(database.prepare('select count(*) as count from filling').get()!['count'])
}

function firstIdOf(path: string): number {
  using database = new DatabaseSync(path, patience)
  return Number(database.prepare('select min(id) as id from filling').get()!['id'])
}

function addOne(path: string): void {
  using database = new DatabaseSync(path, patience)
  database.exec("insert into filling (bytes) values ('one more')")
}

const begun = (path: string): string[] =>
  readdirSync(dirname(path)).filter((name) => name.startsWith('.restore-'))

/** Processes that work on files of a folder. */
function isWorkedOn(folder: string): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  return pids.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)
    } catch {
      return false
    }
  })
}

for (const line of lines)
  test(
    `restores killed at random moments (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 400_000 },
    async (context) => {
      const random = new Random()
      context.diagnostic(`HANDCAR_SEED=${random.seed}`)
      using place = temporaryFolder()
      const path = place.file('app.sqlite3')
      const changes = [{ table: 'filling', statements: ['update filling set id = id + 1000'] }]
      const options = { ...(await replicated(line, place, path, 8)), inPlace: { changes } }
      const startedAt = performance.now()
      await restoreFromReplicas(options)
      const whole = performance.now() - startedAt
      const seen = new Map<string, number>()
      const note = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1)
      for (let round = 0; round < rounds; round++) {
        addOne(path)
        const before = countOf(path)
        await using restorer = Child.start('restore-process', options)
        await restorer.next()
        await sleep(random.next() * whole * 1.3)
        await restorer.kill()
        await waitUntil('orphans end', () => !isWorkedOn(place.path), 60_000)
        const count = countOf(path)
        assert.ok([8, before].includes(count), `expected 8 or ${before} rows, got ${count}`)
        assert.ok(firstIdOf(path) > 1_000, 'never without what is changed in place')
        note(count === 8 ? 'the new database' : 'the old database')
        if (begun(path).length > 0) note('left something')
      }
      context.diagnostic(JSON.stringify(Object.fromEntries(seen)))
      await restoreFromReplicas(options)
      assert.equal(countOf(path), 8)
      assert.deepEqual(begun(path), [])
    },
  )

for (const line of lines)
  test(
    `a disk that is full in the middle of a restore (Litestream ${line})`,
    { skip: litestreams[line].isMissing || cannotMount, timeout: 200_000 },
    async () => {
      using place = temporaryFolder()
      using disk = new SmallDisk(250)
      const path = disk.file('app.sqlite3')
      const options = await replicated(line, place, path, 30)
      addOne(path)
      const to = disk.file('to')
      for (const spare of [0.5, 12, 25].map((megabytes) => megabytes * 1_024 ** 2)) {
        disk.fill(spare)
        const failure = await restoreFromReplicas({ ...options, to }).catch((error: unknown) => error)
        assert.match((failure as { code: string }).code, /HANDCAR_DISK_FULL/, String(failure))
        disk.release()
        assert.deepEqual(existsSync(to) ? readdirSync(to) : [], [])
      }
      disk.fill(8 * 1_024 ** 2)
      const failure = await restoreFromReplicas(options).catch((error: unknown) => error)
      assert.match((failure as { code: string }).code, /HANDCAR_DISK_FULL/)
      disk.release()
      assert.equal(countOf(path), 31, 'the old one is untouched')
      assert.deepEqual(begun(path), [])
      const [restored] = await restoreFromReplicas(options)
      assert.equal(countOf(path), 30)
      assert.equal(countOf(join(restored!.replaced!, basename(path))), 31)
      assert.ok(statSync(path).size > 30 * 1_024 ** 2)
      rmSync(restored!.replaced!, { recursive: true })
    },
  )
