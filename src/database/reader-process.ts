import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { openDriver, sqliteCode, type DriverConnection, type DriverParameters } from './driver.ts'
import { applyPragmas, defaultPragmas, type Pragmas } from './pragmas.ts'

/**
 * A process that runs slow queries for its parent. A process and not a thread, because the driver cannot be interrupted:
 * a thread that is terminated goes on until SQLite returns, while a process can be killed at any moment, and with it end
 * its use of the CPU and its snapshot, which keeps the WAL from being reused.
 *
 * A large result is first copied into a temporary table ("spool"): the snapshot ends with that, however slowly the rows
 * are then fetched. The table's columns have no type, so that no value is converted.
 */

/** What the parent asks. */
export type ReaderRequest =
  | { kind: 'open'; path: string; extensions: string[]; pragmas: Pragmas }
  | { kind: 'all'; text: string; parameters: DriverParameters }
  | { kind: 'spool'; text: string; parameters: DriverParameters }
  | { kind: 'page'; after: number; limit: number }
  | { kind: 'drop' }

type OpenRequest = Extract<ReaderRequest, { kind: 'open' }>

/** What the process answers; rows are arrays in the order of `columns`. */
export type ReaderAnswer =
  | { columns: string[]; rows: unknown[][] }
  | { error: { message: string; code: string } }

let driver: DriverConnection
let spooledColumns: string[] = []

process.on('disconnect', () => process.exit())
process.on('message', (request: ReaderRequest) => process.send!(answer(request)))
new Worker(new URL(`./reader-watchdog-thread${extname(import.meta.url)}`, import.meta.url), {
  workerData: { parent: Number(process.argv[2]) },
}).unref()

function answer(request: ReaderRequest): ReaderAnswer {
  try {
    return perform(request)
  } catch (error) {
    return {
      error: { message: error instanceof Error ? error.message : String(error), code: sqliteCode(error) },
    }
  }
}

function perform(request: ReaderRequest): ReaderAnswer {
  if (request.kind === 'open') return open(request)
  if (request.kind === 'all') return all(request.text, request.parameters)
  if (request.kind === 'spool') return spool(request.text, request.parameters)
  if (request.kind === 'page') return page(request.after, request.limit)
  driver.exec('drop table if exists temp.handcar_spool')
  return { columns: [], rows: [] }
}

function open({ path, extensions, pragmas }: OpenRequest): ReaderAnswer {
  process.title = `handcar reader ${path}`
  driver = openDriver(path, { readonly: true })
  for (const extension of extensions) driver.loadExtension(extension)
  applyPragmas(driver, { ...defaultPragmas, ...pragmas, temp_store: 'file', busy_timeout: 1_000 }, true)
  return { columns: [], rows: [] }
}

function all(text: string, parameters: DriverParameters): ReaderAnswer {
  const statement = driver.prepare(text)
  const columns = statement.columns().map(({ name }) => name)
  return { columns, rows: statement.raw(true).all(parameters) as unknown[][] }
}

function spool(text: string, parameters: DriverParameters): ReaderAnswer {
  spooledColumns = driver
    .prepare(text)
    .columns()
    .map(({ name }) => name)
  const columns = spooledColumns.map((_, index) => `c${index}`).join(', ')
  driver.exec(`drop table if exists temp.handcar_spool; create temp table handcar_spool (${columns})`)
  driver.prepare(`insert into temp.handcar_spool ${text}`).run(parameters)
  return { columns: spooledColumns, rows: [] }
}

function page(after: number, limit: number): ReaderAnswer {
  const statement = driver.prepare('select * from temp.handcar_spool where rowid > ? order by rowid limit ?')
  return { columns: spooledColumns, rows: statement.raw(true).all([after, limit]) as unknown[][] }
}
