import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { appFolder, type AppFolder } from '../../test/helpers/app-folder.ts'
import { Child } from '../../test/helpers/child.ts'
import { crashJobs, createRuns } from '../../test/helpers/crash-jobs.ts'
import { codeOf } from '../../test/helpers/errors.ts'
import { litestreams } from '../../test/helpers/litestream.ts'
import { recordingLogger } from '../../test/helpers/recording-logger.ts'
import { folderReplica, Replicator } from '../../test/helpers/replicator.ts'
import { waitUntil } from '../../test/helpers/wait-until.ts'
import { Cache } from '../cache/index.ts'
import { changeDatabase, Database } from '../database/index.ts'
import { Jobs } from '../jobs/index.ts'
import { defineChannel, Realtime, unchecked } from '../realtime/index.ts'
import type { Config } from './config.ts'
import { partMigrations } from './part-migrations.ts'
import { resolveConfig, type ResolvedConfig } from './resolve-config.ts'
import { restoreDatabases, restoreMissing } from './restore.ts'
import { snapshotsOf } from './snapshots.ts'

const news = defineChannel({ name: 'news', messages: { posted: unchecked<string>() }, public: true })

interface Row {
  state: string
  attempt: number
  claims: number
}

/** An app whose parts are open in this process. */
class Running implements AsyncDisposable {
  readonly database: Database
  readonly jobs: Jobs
  readonly realtime: Realtime
  readonly cache: Cache
  readonly definitions: ReturnType<typeof crashJobs>

  private constructor({ database, cache }: ResolvedConfig) {
    const logger = recordingLogger()
    this.database = new Database({ path: database.path, partMigrations, readers: false, logger })
    this.definitions = crashJobs(this.database)
    this.jobs = new Jobs({
      database: this.database,
      logger,
      definitions: Object.values(this.definitions),
      work: false,
    })
    this.realtime = new Realtime({ database: this.database, channels: [news], logger })
    this.cache = new Cache({
      database: new Database(Cache.databaseOptions(cache.path, { logger })),
      app: this.database,
      logger,
    })
  }

  static async start(config: ResolvedConfig): Promise<Running> {
    const running = new Running(config)
    await running.database.start()
    await running.database.run(createRuns)
    for (const part of [running.jobs, running.realtime, running.cache]) await part.start()
    return running
  }

  job(id: number): Row {
    return this.database.get<Row>('select state, attempt, claims from handcar_jobs where id = ?', [id])!
  }

  /** What a client is told that comes with a position. */
  async recovers(position: string): Promise<unknown> {
    const response = await this.realtime.fetch(
      new Request(`http://localhost/realtime?channel=news&from=${position}`),
    )
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const [, found] = /"recovered":(true|false)/.exec(text) ?? []
      if (found !== undefined) return found === 'true'
    }
    throw new Error(`Expected an answer, got ${text}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [this.cache, this.realtime, this.jobs]) await part.stop()
    await this.database.stop()
  }
}

function configOf(folder: AppFolder, config: Config = {}): ResolvedConfig {
  const environment = 'production'
  return resolveConfig({ environment, ...config }, { folder: folder.path, environment: { PATH: '' } })
}

/** Work that is there before the state to which it goes back, and goes on after it. */
async function live(
  config: ResolvedConfig,
  keep: () => Promise<void>,
): Promise<{ running: number; job: number; claims: number; lock: number; position: string; client: string }> {
  const { path } = config.database
  await using app = await Running.start(config)
  await using child = Child.start('jobs-worker-process', { path, slots: 2 })
  await child.next()
  const { id } = await app.jobs.enqueue(app.definitions.hang, false)
  await waitUntil('the job runs', () => app.job(id).state === 'running')
  await app.realtime.publish(news, {}, 'posted', 'before')
  const client = app.realtime.position()
  await app.cache.lock('held', { ttl: '1h', store: 'app' })
  await keep()
  await app.cache.set('page', 'made of rows that will be gone')
  await app.cache.namespace('inner').set('page', 'as well')
  await app.realtime.publish(news, {}, 'posted', 'after')
  await child.kill()
  await using next = Child.start('jobs-worker-process', { path, slots: 2 })
  await next.next()
  await waitUntil('it runs again', () => app.job(id).claims === 2 && app.job(id).state === 'running')
  const { id: job } = await app.jobs.enqueue(app.definitions.hang, true)
  await waitUntil('another one has run', () => app.job(job).state === 'completed')
  const lock = await app.cache.lock('other', { ttl: '1h', store: 'app' })
  const { claims } = app.job(id)
  const position = app.realtime.position()
  await next.kill()
  return { running: id, job, claims, lock: lock!.token, position, client }
}

/** Looks whether an app that went back can go on. */
async function assertGoesOn(config: ResolvedConfig, before: Awaited<ReturnType<typeof live>>): Promise<void> {
  const { path } = config.database
  await using app = await Running.start(config)
  assert.equal(app.job(before.job), undefined, 'it has gone back')
  assert.equal(app.job(before.running).state, 'running', 'nobody has looked after it yet')
  assert.equal(await app.cache.get('page'), undefined)
  assert.equal(await app.cache.namespace('inner').get('page'), undefined)
  const lock = await app.cache.lock('held', { ttl: '1h', store: 'app' })
  assert.ok(lock !== undefined && lock.token > before.lock, 'locks are free, and their tokens go on')
  assert.equal(await app.recovers(before.position), false)
  assert.equal(await app.recovers(before.client), false, 'also where the old position is still in the log')
  await app.realtime.publish(news, {}, 'posted', 'anew')
  assert.equal(await app.recovers(app.realtime.position()), true)
  const { id } = await app.jobs.enqueue(app.definitions.hang, true)
  assert.ok(id > before.job, `the job ${before.job} was there before, and ${id} is not it`)
  await using child = Child.start('jobs-worker-process', { path, slots: 2 })
  await child.next()
  await waitUntil('the new one has run', () => app.job(id).state === 'completed')
  await waitUntil('the one of before runs', () => app.job(before.running).attempt === 2)
  assert.ok(app.job(before.running).claims > before.claims, 'no claim is given twice')
  const [error] = app.database.all<{ error: string }>(
    'select error from handcar_job_errors where job_id = ?',
    [before.running],
  )
  assert.match(error!.error, /died while the job ran/)
}

test('back to a snapshot: jobs, clients, locks and the cache go on without a mistake', async () => {
  using folder = appFolder({})
  const config = configOf(folder)
  const snapshots = snapshotsOf(config, recordingLogger())
  const before = await live(config, async () => void (await snapshots.create({ name: 'then' })))
  const untouched = readFileSync(snapshots.folder + '/then.sqlite3')
  await snapshots.restore('then', { to: folder.file('look.sqlite3') })
  assert.deepEqual(
    readFileSync(folder.file('look.sqlite3')),
    untouched,
    'what is only looked at is as it was',
  )
  await snapshots.restore('then')
  assert.deepEqual(readFileSync(snapshots.folder + '/then.sqlite3'), untouched)
  await assertGoesOn(config, before)
  await snapshots.restore('then')
  await assertGoesOn(config, before)
})

for (const line of ['0.3', '0.5'] as const)
  test(
    `the same from a replica, and on a machine that has nothing (Litestream ${line})`,
    { skip: litestreams[line].isMissing, timeout: 240_000 },
    async () => {
      using folder = appFolder({})
      const replica = folder.file('replica')
      const config = configOf(folder, {
        backup: {
          replicas: [{ type: 'folder', path: replica }],
          binary: litestreams[line].path,
          restoreIfMissing: true,
        },
      })
      const { path } = config.database
      await using replicator = new Replicator({
        line,
        path,
        replica: folderReplica(replica),
        folder: folder.path,
      })
      const before = await live(config, async () => {
        await replicator.start()
        await replicator.untilSent()
        await replicator.stop()
      })
      await restoreDatabases(config)
      await assertGoesOn(config, before)
      using other = appFolder({})
      const elsewhere = { ...config, ...moved(config, configOf(other)) }
      await restoreMissing(elsewhere, { logger: recordingLogger() })
      await assertGoesOn(elsewhere, before)
    },
  )

/** The same app with another data folder. */
function moved(
  { database, cache }: ResolvedConfig,
  other: ResolvedConfig,
): Pick<ResolvedConfig, 'data' | 'database' | 'cache'> {
  const { data } = other
  return {
    data,
    database: { ...database, path: other.database.path },
    cache: { ...cache, path: other.cache.path },
  }
}

test('a cache that is damaged is in nobody’s way; a file task that fails changes nothing', async () => {
  using folder = appFolder({})
  const config = configOf(folder)
  const snapshots = snapshotsOf(config, recordingLogger())
  {
    await using app = await Running.start(config)
    await app.database.run('insert into runs values (1, 1, 1)')
  }
  await snapshots.create({ name: 'then' })
  folder.write('data/cache.sqlite3', 'this is no database at all, however long one looks at it')
  await snapshots.restore('then')
  const { path } = config.database
  const statements = ['delete from runs', 'delete from no_such_table']
  const code = await codeOf(() => changeDatabase(path, [{ table: 'runs', statements }]))
  assert.equal(code, 'HANDCAR_FILE_TASK_FAILED')
  await using database = new Database({ path, readers: false })
  await database.start()
  assert.equal(database.all('select * from runs').length, 1)
})
