import { Database } from '../../src/database/index.ts'
import { BackupFolder, Litestream, replicationReaders, snapshotIntervalOf } from '../../src/backup/index.ts'
import { readOptions } from '../../src/core/index.ts'

/** A process that replicates a database until it is killed. Says the pid of its Litestream, and what is wrong instead. */

const { folder, settings } = JSON.parse(process.argv[2]!) as { folder: string; settings: object }
const path = `${folder}/app.sqlite3`
const database = new Database({ path, readers: false, checkpointer: false })
await database.start()
const read = readOptions('test', settings, replicationReaders)
const litestream = new Litestream({
  folder: new BackupFolder(folder),
  app: folder,
  databases: [{ name: 'app', path }],
  replication: { ...read, snapshotInterval: snapshotIntervalOf(read, 'test') },
  environment: {},
  logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
})
process.on('disconnect', () => process.exit())
await litestream.start()
const timer = setInterval(() => {
  const { pid, problem } = litestream.status()
  if (pid === undefined && problem === undefined) return
  clearInterval(timer)
  process.send!({ pid, problem })
}, 10)
