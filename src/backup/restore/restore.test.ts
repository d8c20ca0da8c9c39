import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Child } from '../../../test/helpers/child.ts'
import { errorOf } from '../../../test/helpers/errors.ts'
import { litestreams } from '../../../test/helpers/litestream.ts'
import { folderReplica, readRecord, Replicator } from '../../../test/helpers/replicator.ts'
import { newestRow } from '../../../test/helpers/rows.ts'
import { temporaryFolder, type TemporaryFolder } from '../../../test/helpers/temporary-folder.ts'
import { waitUntil } from '../../../test/helpers/wait-until.ts'
import type { LitestreamLine } from '../litestream/version.ts'
import { restoreFromReplicas, type RestoreOptions } from './restore.ts'

const lines = ['0.3', '0.5'] as const
const settings = { timeout: 240_000 }

/** A database, its replica in a folder, and a writer that records what was acknowledged. */
class Place implements AsyncDisposable {
  readonly folder: TemporaryFolder = temporaryFolder()
  readonly data = this.folder.file('data')
  readonly path = join(this.data, 'app.sqlite3')
  readonly record = this.folder.file('record')
  readonly replica = folderReplica(this.folder.file('replica'))
  readonly line: LitestreamLine
  readonly replicator: Replicator
  #writer: Child | undefined

  constructor(line: LitestreamLine) {
    this.line = line
    this.replicator = new Replicator({
      line,
      path: this.path,
      replica: this.replica,
      folder: this.folder.path,
    })
  }

  async write(pause: number): Promise<void> {
    this.#writer = Child.start('recording-writer-process', { path: this.path, record: this.record, pause })
    await this.#writer.next()
  }

  async stopWriting(): Promise<void> {
    await this.#writer!.tell('stop')
    await this.#writer!.ended()
  }

  async killWriter(): Promise<void> {
    await this.#writer!.kill()
  }

  get written() {
    return existsSync(this.record) ? readRecord(this.record) : []
  }

  untilWritten(count: number): Promise<void> {
    return waitUntil(`${count} rows`, () => this.written.length >= count, 120_000)
  }

  restore(options: Partial<RestoreOptions> = {}) {
    return restoreFromReplicas({
      databases: [{ name: 'app', path: this.path }],
      replicas: [this.replica],
      binary: { path: litestreams[this.line].path, line: this.line },
      environment: {},
      now: Date.now(),
      ...options,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.kill()
    await this.replicator[Symbol.asyncDispose]()
    this.folder[Symbol.dispose]()
  }
}

/** A test with each Litestream. */
function withEach(name: string, run: (place: Place, context: TestContext) => Promise<void>): void {
  for (const line of lines)
    test(
      `${name} (Litestream ${line})`,
      { ...settings, skip: litestreams[line].isMissing },
      async (context) => {
        await using place = new Place(line)
        await run(place, context)
      },
    )
}

/** So old may the newest state of a moment be, in milliseconds: it is sent four times a second, on a machine that is busy. */
const longestLag = 8_000

withEach('20 random moments: each is a state that was, and not much older', async (place, context) => {
  await place.write(15)
  const { replicator } = place
  await replicator.start()
  await replicator.untilSent()
  await sleep(1_000)
  const beganAt = Date.now()
  await place.untilWritten(place.written.length + 200)
  await replicator.kill()
  const downAt = Date.now()
  await place.untilWritten(place.written.length + 40)
  await replicator.start()
  await place.untilWritten(place.written.length + 150)
  await place.stopWriting()
  await replicator.stop()
  const endAt = Date.now()
  const { written } = place
  const newestAt = (time: number): number => written.findLast(({ at }) => at <= time)?.id ?? 0
  const lags: number[] = []
  for (let round = 0; round < 20; round++) {
    const at = Math.round(beganAt + (endAt + 1_000 - beganAt) * Math.random())
    const to = place.folder.file(`moment-${round}`)
    const [restored] = await place.restore({ to, at })
    const newest = newestRow(restored!.path)
    const before = written.find(({ id }) => id === newest - 1)
    assert.ok(before === undefined || before.at <= at, `row ${newest} is younger than the moment`)
    const stateAt = written.find(({ id }) => id === newest)?.at ?? beganAt
    const isDown = at >= downAt && at < downAt + (endAt - downAt) / 2
    if (newestAt(at) > newest) lags.push(Math.max(0, at - stateAt))
    if (!isDown)
      assert.ok(newest >= newestAt(at - longestLag), `row ${newest}, expected ${newestAt(at - longestLag)}`)
    rmSync(to, { recursive: true })
  }
  lags.sort((one, other) => one - other)
  context.diagnostic(`milliseconds by which the states were older: ${lags.join(' ')}`)
  const [newest] = await place.restore({ to: place.folder.file('newest') })
  assert.equal(newestRow(newest!.path), written.at(-1)!.id, 'the newest has every row')
  const [early] = await Promise.allSettled([
    place.restore({ to: place.folder.file('early'), at: beganAt - 3_600_000 }),
  ])
  const { code, message } = (early as PromiseRejectedResult).reason as { code: string; message: string }
  assert.equal(code, 'HANDCAR_BACKUP_EMPTY')
  assert.match(message, /The oldest state .* is of 20/)
})

withEach(
  'in place: what was there is set aside, and the replication goes on with the new file',
  async (place) => {
    await place.write(5)
    await place.replicator.start()
    await place.untilWritten(150)
    await place.stopWriting()
    await place.replicator.stop()
    const truth = place.written.at(-1)!.id
    writeFileSync(`${place.path}-wal`, 'what another database has left')
    const [restored] = await place.restore()
    assert.equal(newestRow(place.path), truth)
    const replaced = readdirSync(restored!.replaced!)
    assert.ok(
      replaced.includes('app.sqlite3') && replaced.includes('.app.sqlite3-litestream'),
      replaced.join(' '),
    )
    assert.deepEqual(
      readdirSync(place.data).filter((name) => /restore-|wal|shm/.test(name)),
      [],
    )
    await place.write(5)
    await place.replicator.start()
    await place.untilWritten(truth + 100)
    await place.stopWriting()
    await place.replicator.stop()
    const [again] = await place.restore({ to: place.folder.file('again') })
    assert.equal(newestRow(again!.path), place.written.at(-1)!.id)
    rmSync(place.data, { recursive: true })
    const [fromNothing] = await place.restore()
    assert.equal(newestRow(fromNothing!.path), place.written.at(-1)!.id, 'also without a data folder')
    assert.equal(fromNothing!.replaced, undefined)
  },
)

withEach('back in time, in place: from there on the replica follows the new history', async (place) => {
  await place.write(10)
  await place.replicator.start()
  await place.replicator.untilSent()
  await place.untilWritten(100)
  await sleep(2_000)
  const at = Date.now()
  await place.untilWritten(place.written.length + 150)
  await place.stopWriting()
  await place.replicator.stop()
  const lost = place.written.at(-1)!.id
  await place.restore({ at })
  const kept = newestRow(place.path)
  assert.ok(kept < lost && kept >= 50, `${kept} of ${lost} rows`)
  rmSync(place.record)
  await place.write(10)
  await place.replicator.start()
  await place.untilWritten(60)
  await place.stopWriting()
  await place.replicator.stop()
  const newest = place.written.at(-1)!.id
  assert.ok(newest < lost, 'the new history is shorter')
  const [restored] = await place.restore({ to: place.folder.file('to') })
  assert.equal(newestRow(restored!.path), newest)
  const [before] = await place.restore({ to: place.folder.file('before'), at: at + 1_500 })
  assert.ok(newestRow(before!.path) >= kept, 'the old history is still there')
})

withEach('a database that is open is refused, and goes on', async (place) => {
  await place.write(5)
  await place.replicator.start()
  await place.replicator.untilSent()
  await place.untilWritten(50)
  await place.replicator.stop()
  const error = await errorOf(() => place.restore())
  assert.equal(error.code, 'HANDCAR_DATABASE_IN_USE')
  const count = place.written.length
  await place.untilWritten(count + 20)
  await place.stopWriting()
  assert.equal(newestRow(place.path), place.written.at(-1)!.id)
  assert.deepEqual(
    readdirSync(place.data).filter((name) => /restore/.test(name)),
    [],
  )
})

withEach(
  'a damaged replica: the next one is taken; alone it fails, and nothing is changed',
  async (place) => {
    await place.write(2)
    await place.replicator.start()
    await place.untilWritten(300)
    await place.stopWriting()
    await place.replicator.stop()
    const second = folderReplica(place.folder.file('second'), 'second')
    cpSync(place.replica.type === 'folder' ? place.replica.path : '', second.path, { recursive: true })
    for (const entry of readdirSync(place.folder.file('replica'), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const bytes = readFileSync(path)
      bytes.fill(0x5a, Math.floor(bytes.length / 3), Math.floor(bytes.length / 2))
      writeFileSync(path, bytes)
    }
    const before = readFileSync(place.path)
    const error = await errorOf(() => place.restore())
    assert.equal(error.code, 'HANDCAR_RESTORE_FAILED')
    assert.deepEqual(readFileSync(place.path), before)
    const told: string[] = []
    const [restored] = await place.restore({
      replicas: [place.replica, second],
      to: place.folder.file('to'),
      progress: (message) => told.push(message),
    })
    assert.match(restored!.address, /second/)
    assert.ok(
      told.some((message) => message.includes('is of no use')),
      told.join('\n'),
    )
    assert.equal(newestRow(restored!.path), place.written.at(-1)!.id)
  },
)

withEach('an empty replica, or none at all, is an error and not an empty database', async (place) => {
  const error = await errorOf(() => place.restore({ to: place.folder.file('to') }))
  assert.ok(['HANDCAR_BACKUP_EMPTY', 'HANDCAR_RESTORE_FAILED'].includes(error.code!), error.code)
  assert.deepEqual(readdirSync(place.folder.file('to')), [])
})

test(
  'half of a part at the end, as Litestream 0.3 leaves it by SFTP: everything before it is restored',
  { ...settings, skip: litestreams['0.3'].isMissing },
  async () => {
    await using place = new Place('0.3')
    await place.write(15)
    await place.replicator.start()
    await place.replicator.untilSent()
    // Parts of several seconds.
    const beganAt = Date.now()
    await waitUntil('time has passed', () => Date.now() > beganAt + 3_000)
    await place.stopWriting()
    await place.replicator.stop()
    const parts = readdirSync(place.folder.file('replica'), { recursive: true, withFileTypes: true })
      .filter(({ name }) => name.endsWith('.wal.lz4'))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted((one, other) => statSync(one).mtimeMs - statSync(other).mtimeMs)
    const last = parts.at(-1)!
    const { size, atime, mtime } = statSync(last)
    truncateSync(last, Math.floor(size / 2))
    utimesSync(last, atime, mtime)
    const [restored] = await place.restore({ to: place.folder.file('to') })
    const newest = newestRow(restored!.path)
    const second = Math.floor(mtime.getTime() / 1_000) * 1_000
    assert.equal(restored!.hole?.from, second)
    assert.ok(newest > 0 && newest < place.written.at(-1)!.id)
    const { at } = place.written.find(({ id }) => id === newest + 1)!
    assert.ok(at > second - 4_000, 'no more is missing than what was sent last')
  },
)
