import { AsyncLocalStorage } from 'node:async_hooks'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { OptionsError, socketPath } from '../core/index.ts'
import { defaultWalLimit, restartWindow, type CheckpointDuty } from './checkpoint-duty.ts'
import { Checkpointer } from './checkpointer.ts'
import { assertVersion, reportSqlite } from './compile-options.ts'
import { Connection } from './connection.ts'
import { findExtensions } from './extensions.ts'
import { LeaseClient, type CheckpointedBy } from './lease-client.ts'
import { prepareLocation, syncFolder, warnAboutLocation, type Location } from './location.ts'
import { migrate } from './migrate.ts'
import { readMigrationFiles } from './migration-files.ts'
import { appOwner } from './migration.ts'
import { explainOpenError } from './open-errors.ts'
import type { ResolvedOptions } from './options.ts'
import { checkPragmas, defaultPragmas, type Pragmas } from './pragmas.ts'
import { ReaderPool } from './reader-pool.ts'
import { Readers } from './readers.ts'
import type { TransactionContext } from './transaction.ts'
import { Wake } from './wake.ts'
import { WalSync } from './wal-sync.ts'
import { Writer } from './writer.ts'

/** SQLite's own habit, taken up again while nobody else checkpoints. */
const backstopPages = 1_000

/** What exists while a database is open, and how it is wired. {@link Database} is the door to it. */
export class OpenDatabase {
  readonly path: string
  readonly context: TransactionContext = new AsyncLocalStorage()
  readonly readers: Readers
  readonly writer: Writer
  readonly wake: Wake
  readonly pool: ReaderPool | undefined
  readonly checkpointer: Checkpointer | undefined
  readonly #location: Location
  readonly #connection: Connection
  readonly #lease: LeaseClient
  readonly #sync: WalSync
  #checkpointing: Promise<void> = Promise.resolve()

  /**
   * Opens a database: refuses what cannot work, migrates, and starts what runs beside it. Closes everything again when a
   * step fails.
   */
  static async open(options: ResolvedOptions): Promise<OpenDatabase> {
    checkPragmas(options.pragmas ?? {})
    if (options.readOnly) assertExists(options.path)
    const location = prepareLocation(options.path)
    try {
      const extensions = await findExtensions(options.extensions, options.logger)
      const isNew = !existsSync(location.path)
      await migrateAll(options, location.path, extensions)
      // SQLite does not sync the folder entry of a new database.
      if (isNew) syncFolder(dirname(location.path))
      const database = new OpenDatabase(options, location, extensions)
      await database.#startBesides()
      return database
    } catch (error) {
      location.discard()
      throw explainOpenError(error, location.path)
    }
  }

  private constructor(options: ResolvedOptions, location: Location, extensions: string[]) {
    const { path } = location
    this.path = path
    this.#location = location
    const openConnection = connectionsOf(options, path, extensions)
    this.#connection = openConnection({ readonly: false })
    this.readers = new Readers(() => openConnection({ readonly: true }), this.context)
    this.#sync = new WalSync(path)
    this.#lease = new LeaseClient(
      socketPath(`${path}.coordinator`),
      (by) => this.#coordinate(by),
      () => this.#sync.fail('a checkpoint of the coordinator failed'),
    )
    this.wake = new Wake(path, () => this.dataVersion(), options.strangerInterval, options.logger)
    this.writer = new Writer({
      path,
      connection: this.#connection,
      context: this.context,
      lease: this.#lease,
      sync: this.#sync,
      maxBatch: options.batchSize,
      maxBatchDuration: options.batchDuration,
      maxQueued: options.maxQueuedWrites,
      onCommit: (topics) => {
        if (options.wakeOn === 'all' || topics.size > 0) this.wake.committed(topics)
      },
    })
    const { readers, pragmas = {} } = options
    this.pool = readers === false ? undefined : new ReaderPool({ path, extensions, pragmas }, readers)
    if (options.checkpointer !== false) {
      this.checkpointer = new Checkpointer(path, options.checkpointer, options.logger, {
        onRunning: (isRunning) => this.#setBackstop(!isRunning),
        onFailure: (reason) => this.#sync.fail(reason),
      })
    }
    warnAboutLocation(path, options.production, options.logger)
  }

  /** Frames in the WAL, frames of them that are in the database too, and their size in bytes. */
  wal(): { frames: number; checkpointed: number; bytes: number } {
    const [state] = this.readers.shared.pragmaRows<{ log: number; checkpointed: number }>(
      'wal_checkpoint(noop)',
    )
    const pageSize = Number(this.readers.shared.pragma('page_size'))
    const frames = Math.max(0, state?.log ?? 0)
    return { frames, checkpointed: Math.max(0, state?.checkpointed ?? 0), bytes: frames * (pageSize + 24) }
  }

  /** Whether a coordinator grants the write lease. */
  get isCoordinated(): boolean {
    return this.#lease.isConnected
  }

  /** Finishes what is queued within `timeout` milliseconds and closes everything, also when a step fails. */
  async close(timeout: number): Promise<void> {
    await using closing = new AsyncDisposableStack()
    closing.defer(() => this.#location.discard())
    this.#closeConnectionsLast(closing)
    closing.defer(() => this.#sync.close())
    closing.defer(() => this.wake.close())
    closing.defer(() => this.checkpointer?.stop())
    closing.defer(() => this.#checkpointing)
    closing.defer(() => this.#lease.close())
    closing.defer(() => this.pool?.close())
    await this.writer.close(timeout)
  }

  /**
   * The connection that closes last moves the WAL into the database and deletes it. After a failed sync the WAL must stay,
   * so a connection that cannot write is the last.
   */
  #closeConnectionsLast(closing: AsyncDisposableStack): void {
    closing.defer(() => {
      if (this.#sync.failure) this.readers.close()
      else this.#connection.close()
    })
    closing.defer(() => {
      if (this.#sync.failure) this.#connection.close()
      else this.readers.close()
    })
  }

  async #startBesides(): Promise<void> {
    try {
      await this.#sync.open()
      await this.wake.open()
      await this.#lease.connect()
      if (!this.#lease.isConnected) this.#coordinate('nobody')
      await this.#checkpointing
    } catch (error) {
      await this.close(0)
      throw error
    }
  }

  /** A coordinator's checkpointer takes the place of ours; ours takes over when it goes. */
  #coordinate(by: CheckpointedBy): void {
    this.#checkpointing = this.#checkpointing.then(() => this.#takeTurns(by)).catch(() => {})
  }

  /** When the thread cannot start, it has logged why, and the backstop stays on. */
  async #takeTurns(by: CheckpointedBy): Promise<void> {
    if (by === 'others') await this.checkpointer?.stop()
    else if (!this.#sync.failure) await this.checkpointer?.start(dutyAfter(by))
    this.#setBackstop(by !== 'others' && this.checkpointer === undefined)
  }

  /** While nobody checkpoints, commits do it themselves, so that the WAL cannot grow without end. */
  #setBackstop(isNeeded: boolean): void {
    this.#connection.pragma(`wal_autocheckpoint = ${isNeeded ? backstopPages : 0}`)
  }

  /** `PRAGMA data_version` on the writer's connection, where only the commits of others change it. */
  dataVersion(): number {
    return (this.#connection.get('pragma data_version', []) as { data_version: number }).data_version
  }
}

/** A coordinator that has gone together with a replicator is replaced with it. */
function dutyAfter(by: CheckpointedBy): CheckpointDuty {
  if (by === 'nobody') return { kind: 'checkpoint' }
  return { kind: 'wait', walLimit: defaultWalLimit, after: restartWindow }
}

type OpenConnection = (how: { readonly: boolean; pragmas?: Pragmas }) => Connection

function connectionsOf(options: ResolvedOptions, path: string, extensions: string[]): OpenConnection {
  const { cachedStatements, slowQuery, logger } = options
  const pragmas = { ...options.pragmas, ...defaultPragmas, ...options.pragmas }
  return (how) =>
    new Connection({
      path,
      readonly: how.readonly,
      pragmas: { ...pragmas, ...how.pragmas },
      extensions,
      cachedStatements,
      slowQuery,
      logger,
    })
}

function assertExists(path: string): void {
  if (existsSync(path)) return
  throw new OptionsError('HANDCAR_DATABASE_PATH', `Expected a database that exists, got ${path}`, {
    fix: 'Correct the path, or create the database by starting the app or by `handcar migrate`.',
  })
}

/** Opens the file for the first time, checks that it is a database, and runs the migrations. */
async function migrateAll(options: ResolvedOptions, path: string, extensions: string[]): Promise<void> {
  const connection = connectionsOf(
    options,
    path,
    extensions,
  )({ readonly: false, pragmas: { foreign_keys: 'off' } })
  try {
    assertVersion(reportSqlite(connection).version)
    connection.get('select count(*) from sqlite_schema', [])
    if (options.readOnly) return
    const { partMigrations = {}, writeTimeout } = options
    const acceptsNewer = options.newerSchema === 'accept'
    for (const [owner, migrations] of Object.entries(partMigrations)) {
      await migrate(connection, owner, migrations, writeTimeout, acceptsNewer)
    }
    if (options.migrations === undefined) return
    const migrations = await readMigrationFiles(options.migrations)
    await migrate(connection, appOwner, migrations, writeTimeout, acceptsNewer)
  } finally {
    connection.close()
  }
}
