import { constants, existsSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BusyError } from '../core/index.ts'
import { copyDatabase, FileLock, type Extension } from '../database/index.ts'

/** What `branch.json` says. */
export interface Told {
  name: string
  createdAt: number
  from: 'data' | 'schema'
}

/** A second copy of the database of a branch, as it was when the branch began, or as it was merged last. */
export const ancestorFile = 'ancestor.sqlite3'
/** What is known of a branch; where there is none there is no branch. */
export const toldFile = 'branch.json'
/** Milliseconds. */
const lockTimeout = 60_000

/** What is needed to make a branch. */
export interface NewBranch extends Told {
  /** Its data folder. */
  data: string
  /** Name of the database. */
  file: string
  /** The database that it begins as a copy of; `undefined`: it has none yet. */
  source: string | undefined
  extensions: readonly Extension[]
}

/**
 * The folder of the branches. A branch is made beside its place and moved there, what says that it is one at last; a crash leaves
 * files whose names end with `.partial`, which the next one removes that makes a branch.
 */
export class BranchFolder {
  readonly #path: string

  /** Opens nothing. */
  constructor(path: string) {
    this.#path = path
  }

  /** What is known of all branches, by name. */
  async list(): Promise<Told[]> {
    const folders = await readdir(this.#path).catch(() => [])
    const told = await Promise.all(folders.map((each) => readTold(join(this.#path, each))))
    return told
      .filter((each) => each !== undefined)
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
  }

  /**
   * Waits for the right to change it, which the kernel takes back from a process that dies; makes the folder.
   *
   * @throws BusyError `HANDCAR_DATABASE_BUSY`
   */
  async lock(): Promise<FileLock> {
    await mkdir(this.#path, { recursive: true })
    const endAt = performance.now() + lockTimeout
    while (true) {
      const lock = FileLock.acquire(join(this.#path, '.lock'))
      if (lock) return lock
      if (performance.now() > endAt)
        throw new BusyError('HANDCAR_DATABASE_BUSY', `Another process works on ${this.#path}`)
      await sleep(25)
    }
  }

  /** Makes a branch. Only for the holder of the lock. */
  async make({ data, file, source, extensions, ...told }: NewBranch): Promise<void> {
    await sweep(this.#path)
    const partial = partialIn(this.#path, basename(data))
    await mkdir(partial)
    try {
      if (source !== undefined) await fill(partial, { source, file, extensions })
      await writeFile(join(partial, toldFile), `${JSON.stringify(told, undefined, 2)}\n`)
      await settle(partial, data, file)
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
  }
}

/** A name for something that is being made. */
export function partialIn(folder: string, name: string): string {
  return join(folder, `.${name}.${randomBytes(6).toString('hex')}.partial`)
}

/** Removes what a crash has left. Only for the holder of the lock. */
export async function sweep(folder: string): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.endsWith('.partial'))
  for (const name of left) await rm(join(folder, name), { recursive: true, force: true })
}

/** Bytes of a file; 0 when there is none. */
export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

async function fill(
  folder: string,
  { source, file, extensions }: { source: string; file: string; extensions: readonly Extension[] },
): Promise<void> {
  await copyDatabase(source, join(folder, file), { extensions })
  const ancestor = join(folder, ancestorFile)
  // Some file systems share the blocks instead of copying them.
  await copyFile(join(folder, file), ancestor, constants.COPYFILE_FICLONE)
  await chmod(ancestor, 0o444)
}

/** Moves the files of a new branch to their place, in an order after which a crash leaves no ancestor of another database. */
async function settle(partial: string, data: string, file: string): Promise<void> {
  await mkdir(data, { recursive: true })
  await rm(join(data, ancestorFile), { force: true })
  for (const each of [file, ancestorFile, toldFile])
    if (existsSync(join(partial, each))) await rename(join(partial, each), join(data, each))
}

async function readTold(folder: string): Promise<Told | undefined> {
  if (basename(folder).startsWith('.')) return undefined
  try {
    return JSON.parse(await readFile(join(folder, toldFile), 'utf8')) as Told
  } catch {
    return undefined
  }
}
