import { constants, existsSync, statSync } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BusyError, HandcarError, nearestName } from '../core/index.ts'
import { copyDatabase, FileLock, settleDatabase, SideBySide, type Extension } from '../database/index.ts'
import { applyPlan } from './apply-plan.ts'
import { planMerge, type MergePlan } from './merge-plan.ts'
import { placeOf, type BranchPlace } from './place.ts'

/** Options of {@link Branches}. */
export interface BranchesOptions {
  /** The data folder of the app, which is that of the default branch. */
  root: string
  /** Name of the database in each data folder. */
  file: string
  defaultBranch: string
  /** Extensions that tables and indexes need. Default: none. */
  extensions?: readonly Extension[]
}

/** A branch that has data of its own, or the default branch. */
export interface BranchInfo extends BranchPlace {
  /** Milliseconds since 1970; `undefined` for the default branch. */
  createdAt?: number
  /** What it began with. */
  from?: 'data' | 'schema'
  /** Bytes of its database; 0 when it has none yet. */
  bytes: number
}

/** What wins where both branches have changed a row. */
export type Preference = 'branch' | 'target'

/**
 * Databases of git branches, for development: a migration that is tried on a branch does not get in the way of the others.
 *
 * A branch is a data folder: the database, a second copy of it as it was when the branch began
 * (`ancestor.sqlite3`), and what is known of it (`branch.json`), which is written last and is what makes it a branch. The second copy
 * is what a merge compares both sides with, as git does; after a merge it is the state that was merged.
 */
export class Branches {
  readonly #options: BranchesOptions

  /** Opens nothing. */
  constructor(options: BranchesOptions) {
    this.#options = options
  }

  /** Where the data of a branch are, or would be. */
  place(name: string): BranchPlace {
    return placeOf(this.#options.root, name, this.#options.defaultBranch)
  }

  /** Path of the database of a branch. */
  path(name: string): string {
    return join(this.place(name).data, this.#options.file)
  }

  /** Whether it has data of its own. */
  has(name: string): boolean {
    return existsSync(join(this.place(name).data, toldFile))
  }

  /** The default branch first, then all that have data of their own, by name. */
  async list(): Promise<BranchInfo[]> {
    const folders = await readdir(this.#folder).catch(() => [])
    const told = await Promise.all(folders.map((each) => readTold(join(this.#folder, each))))
    const known = told
      .filter((each) => each !== undefined)
      .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    const all = [{ name: this.#options.defaultBranch }, ...known]
    return all.map((each) => ({ ...each, ...this.place(each.name), bytes: sizeOf(this.path(each.name)) }))
  }

  /**
   * Gives a branch a database of its own.
   *
   * @param from With `data` it begins as a copy of the default branch's database, if there is one; with `schema` with none, so
   * that the migrations make it. Default: `data`
   * @returns `false` when it had one already
   */
  async create(name: string, from: 'data' | 'schema' = 'data'): Promise<boolean> {
    if (this.has(name)) return false
    await mkdir(this.#folder, { recursive: true })
    using _lock = await this.#lock()
    if (this.has(name)) return false
    await this.#sweep()
    const place = this.place(name)
    const partial = join(this.#folder, `.${basename(place.data)}.${randomBytes(6).toString('hex')}.partial`)
    await mkdir(partial)
    try {
      const source = this.path(this.#options.defaultBranch)
      const copies = from === 'data' && existsSync(source) && !existsSync(this.path(name))
      if (copies) await this.#fill(partial, source)
      const told = { name, createdAt: Date.now(), from: copies ? 'data' : 'schema' }
      await writeFile(join(partial, toldFile), `${JSON.stringify(told, undefined, 2)}\n`)
      await this.#settle(partial, place.data)
      return true
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
  }

  /** Moves the files of a new branch to their place, in an order after which a crash leaves no ancestor of another database. */
  async #settle(partial: string, data: string): Promise<void> {
    await mkdir(data, { recursive: true })
    await rm(join(data, ancestorFile), { force: true })
    for (const file of [this.#options.file, ancestorFile, toldFile])
      if (existsSync(join(partial, file))) await rename(join(partial, file), join(data, file))
  }

  /**
   * Deletes the data of a branch.
   *
   * @throws HandcarError `HANDCAR_BRANCH_MISSING`; BusyError `HANDCAR_DATABASE_IN_USE`
   */
  async delete(name: string): Promise<void> {
    await this.#assertHas(name)
    const path = this.path(name)
    await using _kept = existsSync(path) ? await settleDatabase(path) : undefined
    using _lock = await this.#lock()
    await rm(this.place(name).data, { recursive: true, force: true })
  }

  /**
   * Compares a branch with the default branch: what a merge would do, and what keeps it from that.
   *
   * @throws HandcarError `HANDCAR_BRANCH_MISSING`
   */
  async diff(name: string): Promise<MergePlan> {
    await this.#assertHas(name)
    using files = await this.#open(name, this.path(name), true)
    return planMerge(files)
  }

  /**
   * Brings the rows that a branch has added, changed and deleted into the default branch: all of them, or none. A copy of the branch
   * is merged, which then is what the next merge compares with; a row that is written to the branch meanwhile belongs to the next.
   *
   * @param prefer What wins where both have changed a row; without it such a row is a conflict, and nothing is merged.
   * @returns what was done, or with conflicts what would have to be
   * @throws HandcarError `HANDCAR_BRANCH_MISSING`, `HANDCAR_BRANCH_SCHEMA`, `HANDCAR_BRANCH_MERGE`
   */
  async merge(name: string, prefer?: Preference): Promise<MergePlan & { isMerged: boolean }> {
    await this.#assertHas(name)
    using _lock = await this.#lock()
    const { data } = this.place(name)
    const merged = join(data, `.merged.${randomBytes(6).toString('hex')}.partial`)
    const { extensions = [] } = this.#options
    try {
      await copyDatabase(this.path(name), merged, { extensions })
      const done = await this.#merge(name, merged, prefer)
      if (done.isMerged) await rename(merged, join(data, ancestorFile))
      return done
    } finally {
      await rm(merged, { force: true })
    }
  }

  async #merge(name: string, merged: string, prefer: Preference | undefined) {
    using files = await this.#open(name, merged, false)
    return files.transaction(() => {
      const plan = planMerge(files)
      const isMerged = applyPlan(files, plan, prefer)
      return { ...plan, isMerged }
    })
  }

  /** @param path The database of the branch, or a copy of it. */
  async #open(name: string, path: string, readonly: boolean): Promise<SideBySide> {
    const { extensions = [], defaultBranch } = this.#options
    const ancestor = join(this.place(name).data, ancestorFile)
    const target = this.path(defaultBranch)
    for (const each of [target, path])
      if (!existsSync(each))
        throw new HandcarError('HANDCAR_BRANCH_MISSING', `There is no database ${each} yet`, {
          fix: 'Start the app on that branch first.',
        })
    const before = existsSync(ancestor) ? ancestor : ':memory:'
    return await SideBySide.open(target, { branch: path, ancestor: before }, { readonly, extensions })
  }

  async #fill(folder: string, source: string): Promise<void> {
    const { extensions = [], file } = this.#options
    await copyDatabase(source, join(folder, file), { extensions })
    const ancestor = join(folder, ancestorFile)
    // Some file systems share the blocks instead of copying them.
    await copyFile(join(folder, file), ancestor, constants.COPYFILE_FICLONE)
    await chmod(ancestor, 0o444)
  }

  async #assertHas(name: string): Promise<void> {
    if (this.has(name) && name !== this.#options.defaultBranch) return
    const names = (await this.list()).slice(1).map((each) => each.name)
    const nearest = nearestName(name, names)
    throw new HandcarError('HANDCAR_BRANCH_MISSING', `The branch ${name} has no database of its own`, {
      ...(nearest !== undefined && { fix: `Did you mean ${nearest}?` }),
    })
  }

  async #lock(): Promise<FileLock> {
    const endAt = performance.now() + lockTimeout
    while (true) {
      const lock = FileLock.acquire(join(this.#folder, '.lock'))
      if (lock) return lock
      if (performance.now() > endAt)
        throw new BusyError('HANDCAR_DATABASE_BUSY', `Another process works on ${this.#folder}`)
      await sleep(25)
    }
  }

  /** Removes what a crash has left. Only for the holder of the lock. */
  async #sweep(): Promise<void> {
    const left = (await readdir(this.#folder)).filter((name) => name.endsWith('.partial'))
    for (const name of left) await rm(join(this.#folder, name), { recursive: true, force: true })
  }

  get #folder(): string {
    return join(this.#options.root, 'branches')
  }
}

const ancestorFile = 'ancestor.sqlite3'
const toldFile = 'branch.json'
/** Milliseconds. */
const lockTimeout = 60_000

/** What `branch.json` says. */
interface Told {
  name: string
  createdAt: number
  from: 'data' | 'schema'
}

async function readTold(folder: string): Promise<Told | undefined> {
  if (basename(folder).startsWith('.')) return undefined
  try {
    return JSON.parse(await readFile(join(folder, toldFile), 'utf8')) as Told
  } catch {
    return undefined
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
