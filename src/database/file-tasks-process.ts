import { createHash } from 'node:crypto'
import { chownSync, closeSync, createReadStream, fsyncSync, openSync, statSync } from 'node:fs'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { openDriver, sqliteCode, type DriverConnection } from './driver.ts'
import {
  selectAllMigrations,
  selectForeignKeyViolations,
  selectIntegrity,
  selectMigrationsTable,
  selectTable,
} from './sql.ts'

/**
 * A process that works on whole database files for its parent, and ends: it copies one, checks one, or keeps everybody off one.
 *
 * A process and not a thread, for three reasons. Each of these is a single call into SQLite that takes seconds and cannot be
 * interrupted, but a process can be killed. Opening and closing a database file drops every POSIX lock that the process holds on
 * it (https://sqlite.org/howtocorrupt.html, §2.2), and this one holds no other. And a file that is damaged can only bring down
 * the process that looks into it.
 *
 * **Copy** is `VACUUM INTO` (https://sqlite.org/lang_vacuum.html#vacuuminto): one read transaction, so the copy is the state of one
 * moment with everything that the WAL held; writers go on, and the WAL grows meanwhile as it does beside any long read. SQLite's
 * backup API begins anew at each write of another process and never ends beside a busy one; copying the bytes gives a corrupt
 * file (both measured). The copy has the rowids, the page size, the mode and the owner of the original, and no WAL of its own.
 *
 * **Check** reads every page: `integrity_check`, `foreign_key_check`, what was migrated, and the SHA-256 of the bytes. A copy is
 * checked too, and synced to disk, before the parent hears of it.
 *
 * **Settle** moves the WAL into the file and takes it out of WAL mode, for which SQLite needs the file for itself: it fails as long
 * as any connection of any process is open. The lock is held until the parent ends this process.
 *
 * **Change** runs statements in one transaction and syncs the file. A file that nobody else knows of yet is changed without a journal,
 * which would take as much space as what is changed: when it fails the file is thrown away.
 */
export type FileTask =
  | { kind: 'copy'; from: string; to: string; extensions: readonly string[] }
  | { kind: 'check'; path: string; extensions: readonly string[] }
  | { kind: 'settle'; path: string }
  | {
      kind: 'change'
      path: string
      changes: readonly FileChange[]
      isPrivate: boolean
      extensions: readonly string[]
    }

/** Statements for a database file that has a table. */
export interface FileChange {
  /** Where there is no such table nothing is done. */
  table: string
  statements: readonly string[]
}

/** What is known of a database file after it was read from one end to the other. */
export interface FileReport {
  bytes: number
  /** SHA-256 of the bytes, in hexadecimal. */
  checksum: string
  /** What `integrity_check` found; empty for a file that is whole. */
  damages: string[]
  /** How many rows refer to a row that is not there. */
  foreignKeyViolations: number
  /** The newest migration of each owner, by owner; empty when none was ever applied. */
  migrations: Record<string, string>
}

/** What the process answers. */
export type FileAnswer = { report: FileReport | undefined } | { error: { message: string; code: string } }

const [, , text = '', parent = ''] = process.argv
new Worker(new URL(`./reader-watchdog-thread${extname(import.meta.url)}`, import.meta.url), {
  workerData: { parent: Number(parent) },
}).unref()
process.on('disconnect', () => process.exit())
process.send!(await answer(JSON.parse(text) as FileTask))

async function answer(task: FileTask): Promise<FileAnswer> {
  try {
    return { report: await perform(task) }
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    return { error: { message, code: sqliteCode(error) || (code ?? '') } }
  }
}

async function perform(task: FileTask): Promise<FileReport | undefined> {
  if (task.kind === 'settle') return settle(task.path)
  if (task.kind === 'change') return change(task)
  if (task.kind === 'check') return await examine(task.path, task.extensions)
  copy(task.from, task.to, task.extensions)
  return await examine(task.to, task.extensions)
}

function copy(from: string, to: string, extensions: readonly string[]): void {
  makeAlike(from, to)
  using source = open(from, { readonly: true, extensions })
  source.driver.prepare('vacuum into ?').run([to])
}

/** Makes the file before SQLite fills it, which would let everybody read it that the umask lets. */
function makeAlike(from: string, to: string): void {
  const { mode, uid, gid } = statSync(from)
  const descriptor = openSync(to, 'wx', mode & 0o777)
  closeSync(descriptor)
  if (process.getuid?.() === 0) chownSync(to, uid, gid)
}

async function examine(path: string, extensions: readonly string[]): Promise<FileReport> {
  const found = inspect(path, extensions)
  sync(path)
  return { bytes: statSync(path).size, checksum: await checksumOf(path), ...found }
}

function inspect(path: string, extensions: readonly string[]) {
  using file = open(path, { readonly: true, extensions })
  const { driver } = file
  driver.exec('pragma mmap_size = 4294967296')
  const rows = <Row>(statement: string): Row[] => driver.prepare(statement).all([]) as Row[]
  const damages = rows<{ integrity_check: string }>(selectIntegrity).map((row) => row.integrity_check)
  const [violations] = rows<{ count: number }>(selectForeignKeyViolations)
  const hasMigrations = rows(selectMigrationsTable).length > 0
  const applied = hasMigrations ? rows<{ owner: string; name: string }>(selectAllMigrations) : []
  return {
    damages: damages.filter((line) => line !== 'ok'),
    foreignKeyViolations: violations!.count,
    migrations: Object.fromEntries(applied.map(({ owner, name }) => [owner, name])),
  }
}

/** SQLite does not sync what VACUUM INTO writes. */
function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

async function checksumOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1_024 ** 2 }))
    hash.update(chunk as Buffer)
  return hash.digest('hex')
}

function settle(path: string): undefined {
  const { driver } = open(path, { readonly: false, extensions: [] })
  driver.exec('pragma busy_timeout = 0')
  driver.pragma('journal_mode = delete')
  driver.exec('begin exclusive')
}

function change({ path, changes, isPrivate, extensions }: FileTask & { kind: 'change' }): undefined {
  {
    using file = open(path, { readonly: false, extensions })
    const { driver } = file
    if (isPrivate) driver.pragma('journal_mode = off')
    driver.exec('begin immediate')
    for (const { table, statements } of changes) {
      if (driver.prepare(selectTable).get([table]) === undefined) continue
      for (const statement of statements) driver.exec(statement)
    }
    driver.exec('commit')
  }
  sync(path)
}

function open(
  path: string,
  { readonly, extensions }: { readonly: boolean; extensions: readonly string[] },
): Disposable & { driver: DriverConnection } {
  const driver = openDriver(path, { readonly, mustExist: true })
  for (const extension of extensions) driver.loadExtension(extension)
  return { driver, [Symbol.dispose]: () => driver.close() }
}
