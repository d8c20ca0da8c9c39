import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import {
  BackupFolder,
  findLitestream,
  Litestream,
  litestreamConfig,
  replicationReaders,
  snapshotIntervalOf,
  type LitestreamHost,
  type LitestreamLine,
  type ReplicationSettings,
} from '../../src/backup/index.ts'
import { readOptions } from '../../src/core/index.ts'
import { Database } from '../../src/database/index.ts'
import { writePrivately } from '../../src/backup/litestream/seat.ts'
import { recordingLogger, type RecordingLogger } from './recording-logger.ts'
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts'

const root = resolve(import.meta.dirname, '../..')
const built = join(root, 'node_modules/.cache/litestream/0.5.16/litestream')
const embedded = join(
  root,
  `node_modules/@flydotio/litestream-${process.platform}-${process.arch}/litestream`,
)

/** The Litestreams that tests run, each with why there is none (`false` when there is). HANDCAR_TEST_LITESTREAM names another 0.5. */
export const litestreams: Record<LitestreamLine, { path: string; isMissing: false | string }> = {
  '0.3': {
    path: embedded,
    isMissing: !existsSync(embedded) && 'npm has no Litestream 0.3 for this platform',
  },
  '0.5': lookFor05(process.env['HANDCAR_TEST_LITESTREAM'] ?? built),
}

function lookFor05(path: string) {
  const isMissing =
    !existsSync(path) && 'there is no Litestream 0.5; `node scripts/install-litestream.ts` builds one'
  return { path, isMissing } as const
}

/** What a test replicates. */
export interface ReplicatedApp extends AsyncDisposable {
  readonly folder: TemporaryFolder
  readonly database: Database
  readonly litestream: Litestream
  readonly logger: RecordingLogger
  /** Writes so many rows, one transaction each. */
  write(rows: number): Promise<void>
  /** Restores the database from its replica, and counts the rows. */
  restoredRows(): Promise<number>
}

/** Sets a database and a Litestream beside it up; the test starts the latter. */
export async function replicatedApp(
  settings: ReplicationSettings,
  environment: Record<string, string> = {},
  host: LitestreamHost = {},
  folder: TemporaryFolder = temporaryFolder(),
): Promise<ReplicatedApp> {
  const logger = recordingLogger()
  const path = folder.file('app.sqlite3')
  const database = new Database({ path, readers: false, checkpointer: false, logger })
  await database.start()
  await database.write((tx) => tx.run('create table rows (id integer primary key, text text not null)'))
  const read = readOptions('test', settings, replicationReaders)
  const replication = { ...read, snapshotInterval: snapshotIntervalOf(read, 'test') }
  const databases = [{ name: 'app', path }]
  const backup = new BackupFolder(folder.path)
  const litestream = new Litestream({
    folder: backup,
    app: folder.path,
    databases,
    replication,
    environment,
    logger,
    host,
  })
  const write = async (rows: number): Promise<void> => {
    for (let row = 0; row < rows; row++)
      await database.write((tx) =>
        tx.run('insert into rows (text) values (?)', [`row ${row}`.padEnd(300, '.')]),
      )
  }
  const restoredRows = async (): Promise<number> => {
    const config = folder.file(`restore-${Math.random()}.yml`)
    const to = folder.file(`restored-${Math.random()}.sqlite3`)
    const binary = await findLitestream({ binary: read.binary, installed: '', app: folder.path })
    await writePrivately(config, litestreamConfig(binary.line, { ...replication, databases }))
    const args = ['restore', '-no-expand-env', '-config', config, '-o', to, path]
    await promisify(execFile)(binary.path, args, { env: environment, timeout: 60_000 })
    await using restored = new Database({ path: to, readers: false, checkpointer: false, readOnly: true })
    await restored.start()
    return restored.get<{ count: number }>('select count(*) as count from rows')!.count
  }
  return {
    folder,
    database,
    litestream,
    logger,
    write,
    restoredRows,
    async [Symbol.asyncDispose]() {
      await litestream.stop({ timeout: 5_000 })
      await database.stop()
      folder[Symbol.dispose]()
    },
  }
}
