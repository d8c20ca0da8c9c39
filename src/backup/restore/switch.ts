import { existsSync } from 'node:fs'
import { link, mkdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { BusyError, CorruptionError } from '../../core/index.ts'
import { databaseOpeners, settleDatabase, syncFolder } from '../../database/index.ts'
import { giveToOwnerOf } from '../owner.ts'

/**
 * Puts a database file in the place of another one, which is set aside with all that belongs to it: `replaced-<time>/` in the same
 * folder. Never deletes anything, never touches a database that anybody has open.
 *
 * The danger is a file beside the WAL of another: corrupt at once, or the newest rows gone without a word. So SQLite first moves
 * the WAL into the old file and takes it out of WAL mode, which works only when nobody else has it open, and keeps everybody
 * out; then the old file gets a second name in the folder, and the new one takes its name by a rename. Between any two of these steps
 * there is one whole database under the name, old or new, so a crash needs no repair.
 *
 * An old file that is damaged cannot be opened for that. Then WAL and file are moved as they are, the WAL first; a crash in between leaves
 * the damaged file, and the restore is done again.
 *
 * Several files go one after the other once nobody has any of the old ones open: what can be refused is refused before the first.
 *
 * @param files `from`: a file on the same file system as `path`, synced.
 * @param at Milliseconds since 1970.
 * @param beforeSwitch Called when nobody has the old files open.
 * @returns the folders of the old files; `undefined` where there were none
 * @throws BusyError `HANDCAR_DATABASE_IN_USE`
 */
export async function switchFiles(
  files: readonly { from: string; path: string }[],
  at: number,
  beforeSwitch?: () => Promise<void>,
): Promise<(string | undefined)[]> {
  await using kept = new AsyncDisposableStack()
  for (const { path } of files) if (existsSync(path)) kept.use(await settle(path))
  await beforeSwitch?.()
  const replaced: (string | undefined)[] = []
  for (const { from, path } of files) {
    replaced.push(await setAllAside(path, at))
    await rename(from, path)
    syncFolder(dirname(path))
  }
  return replaced
}

/** Leaves the name to a database that is whole; only a rename takes it away. */
async function setAllAside(path: string, at: number): Promise<string | undefined> {
  // Litestream's notes on the old file would be wrong for the new one.
  const notes = join(dirname(path), `.${basename(path)}-litestream`)
  const besides = [...['-wal', '-shm', '-journal'].map((end) => `${path}${end}`), notes].filter((each) =>
    existsSync(each),
  )
  if (besides.length === 0 && !existsSync(path)) return undefined
  const folder = await makeAside(dirname(path), at)
  giveToOwnerOf(dirname(path), folder)
  for (const each of besides) await rename(each, join(folder, basename(each)))
  if (existsSync(path)) await link(path, join(folder, basename(path)))
  syncFolder(folder)
  return folder
}

/** Keeps everybody out of a database that can be opened; makes sure that nobody is in one that cannot. */
async function settle(path: string): Promise<AsyncDisposable> {
  try {
    return await settleDatabase(path)
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error
    assertClosed(path)
    return { [Symbol.asyncDispose]: async () => {} }
  }
}

function assertClosed(path: string): void {
  const [holder] = databaseOpeners(path)
  if (holder === undefined) return
  throw new BusyError(
    'HANDCAR_DATABASE_IN_USE',
    `Expected ${path} to be closed; process ${holder.pid} (${holder.command}) has it open`,
  )
}

/** A folder of its own for each time, also when two fall into one second. */
async function makeAside(folder: string, at: number): Promise<string> {
  const time = new Date(at).toISOString().slice(0, 19).replaceAll(':', '-')
  for (let count = 1; ; count++) {
    const path = join(folder, `replaced-${time}${count === 1 ? '' : `-${count}`}`)
    try {
      await mkdir(path, { mode: 0o700 })
      return path
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}
