import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Handcar } from '../../src/app/index.ts'
import { Cache, type CacheOptions } from '../../src/cache/index.ts'
import { Service, type Logger } from '../../src/core/index.ts'
import { Coordinator, Database } from '../../src/database/index.ts'
import { Jobs, type JobsOptions } from '../../src/jobs/index.ts'
import { Realtime, type RealtimeOptions } from '../../src/realtime/index.ts'
import { Server } from '../../src/server/index.ts'
import { codeOf } from '../helpers/errors.ts'
import { recordingLogger } from '../helpers/recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from '../helpers/temporary-folder.ts'

/** A part under the test of the one life that all parts have. A new part joins by adding one entry to {@link parts}. */
interface Part {
  /** Makes it, on files in the folder; `extra` is added to its options. */
  make: (folder: TemporaryFolder, extra?: object) => Service
  /** Makes the next start() fail; returns what repairs it. */
  sabotage: (folder: TemporaryFolder) => () => void
  /** Options of the wrong kind. */
  wrong: object
}

const databaseIsFolder = (folder: TemporaryFolder) => {
  mkdirSync(folder.file('app.sqlite3'))
  return () => rmdirSync(folder.file('app.sqlite3'))
}

const portOf = (folder: TemporaryFolder): number =>
  existsSync(folder.file('port')) ? Number(readFileSync(folder.file('port'), 'utf8')) : 0

/** Takes a port that a server of the folder will then want. */
const portIsTaken = (folder: TemporaryFolder) => {
  const holder = createServer().listen(0)
  writeFileSync(folder.file('port'), String((holder.address() as AddressInfo).port))
  return () => void holder.close()
}

const parts: Record<string, Part> = {
  Database: {
    make: (folder, extra) => new Database({ path: folder.file('app.sqlite3'), ...extra }),
    sabotage: databaseIsFolder,
    wrong: { path: '' },
  },
  Coordinator: {
    make: (folder, extra) => new Coordinator({ path: folder.file('app.sqlite3'), ...extra }),
    sabotage: databaseIsFolder,
    wrong: { path: '' },
  },
  Server: {
    make: (folder, extra) =>
      new Server({
        app: { fetch: () => new Response('hello') },
        listen: { port: portOf(folder) },
        ...extra,
      }),
    sabotage: portIsTaken,
    wrong: { healthPath: '' },
  },
  Jobs: {
    make: (folder, { definitions = [], ...extra }: Partial<JobsOptions> = {}) =>
      new Started(folder, (database) => new Jobs({ database, definitions, work: true, ...extra })),
    sabotage: databaseIsFolder,
    wrong: { work: { slots: 0 } },
  },
  Realtime: {
    make: (folder, extra: Partial<RealtimeOptions> = {}) =>
      new Started(folder, (database) => new Realtime({ database, ...extra })),
    sabotage: databaseIsFolder,
    wrong: { heartbeat: -1 },
  },
  Cache: {
    make: (folder, { ...extra }: Partial<CacheOptions> = {}) =>
      new Cache({ database: new Database(Cache.databaseOptions(folder.file('app.sqlite3'))), ...extra }),
    sabotage: databaseIsFolder,
    wrong: { maxBytes: 5 },
  },
  Handcar: {
    make: (folder, { logger = recordingLogger(), ...config }: { logger?: Logger } = {}) =>
      new Handcar({ data: folder.path, ...config }, { logger }),
    sabotage: databaseIsFolder,
    wrong: { data: '' },
  },
}

/** A part on a database of its own, which starts before it and stops after it. */
class Started extends Service {
  readonly #database: Database
  readonly #part: Service

  constructor(folder: TemporaryFolder, make: (database: Database) => Service) {
    super(5_000)
    this.#database = new Database({
      path: folder.file('app.sqlite3'),
      partMigrations: { jobs: Jobs.migrations, realtime: Realtime.migrations },
      readers: false,
    })
    this.#part = make(this.#database)
  }

  protected async open(): Promise<void> {
    await this.#database.start()
    try {
      await this.#part.start()
    } catch (error) {
      await this.#database.stop()
      throw error
    }
  }

  protected async close(): Promise<void> {
    await this.#part.stop()
    await this.#database.stop()
  }
}

for (const [name, { make, sabotage, wrong }] of Object.entries(parts)) {
  test(`${name}: constructing opens nothing; start and stop are idempotent`, async () => {
    using folder = temporaryFolder()
    const part = make(folder)
    assert.equal(part.state, 'stopped')
    await part.stop()
    await part.start()
    await part.start()
    assert.equal(part.state, 'started')
    await part.stop()
    await part.stop()
    assert.equal(part.state, 'stopped')
  })

  test(`${name}: 10 callers start and stop it 50 times each, in any order`, { timeout: 60_000 }, async () => {
    using folder = temporaryFolder()
    const part = make(folder)
    const callers = Array.from({ length: 10 }, async (_, caller) => {
      for (let cycle = 0; cycle < 50; cycle++) await ((caller + cycle) % 2 === 0 ? part.start() : part.stop())
    })
    await Promise.all(callers)
    await part.stop()
    assert.equal(part.state, 'stopped')
    await part.start()
    assert.equal(part.state, 'started')
    await part.stop()
  })

  test(`${name}: a start that fails can be tried again`, async () => {
    using folder = temporaryFolder()
    const repair = sabotage(folder)
    const part = make(folder)
    const starts = await Promise.allSettled([part.start(), part.start(), part.start()])
    assert.deepEqual(
      starts.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    )
    assert.equal(part.state, 'stopped')
    await part.stop()
    repair()
    await part.start()
    assert.equal(part.state, 'started')
    await part.stop()
  })

  test(`${name}: an unknown option is refused, by the constructor and by stop()`, async () => {
    using folder = temporaryFolder()
    assert.equal(await codeOf(() => make(folder, { pahtt: 1 })), 'HANDCAR_OPTION_UNKNOWN')
    assert.equal(await codeOf(() => make(folder).stop({ timout: 1 } as object)), 'HANDCAR_OPTION_UNKNOWN')
    assert.equal(await codeOf(() => make(folder, wrong)), 'HANDCAR_OPTION_INVALID')
    assert.equal(await codeOf(() => make(folder, { logger: {} })), 'HANDCAR_OPTION_INVALID')
  })

  test(`${name}: what it holds open is closed by stop()`, async () => {
    using folder = temporaryFolder()
    const part = make(folder)
    await part.start()
    await part.stop()
    const resources = () =>
      process.getActiveResourcesInfo().filter((kind) => /Pipe|Server|FSEvent|MessagePort/.test(kind)).length
    const before = resources()
    for (let time = 0; time < 5; time++) {
      await part.start()
      await part.stop()
    }
    assert.equal(resources(), before)
  })
}
