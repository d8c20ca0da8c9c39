import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HandcarError, nearestName } from '../core/index.ts'
import { copyDatabase, settleDatabase, SideBySide, type Extension } from '../database/index.ts'
import { applyPlan } from './apply-plan.ts'
import { ancestorFile, BranchFolder, partialIn, sizeOf, sweep, toldFile } from './branch-folder.ts'
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
  readonly #folder: BranchFolder

  /** Opens nothing. */
  constructor(options: BranchesOptions) {
    this.#options = options
    this.#folder = new BranchFolder(join(options.root, 'branches'))
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
    const known = await this.#folder.list()
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
    using _lock = await this.#folder.lock()
    if (this.has(name)) return false
    const { extensions = [], file, defaultBranch } = this.#options
    const { data } = this.place(name)
    const path = this.path(defaultBranch)
    const source = from === 'data' && existsSync(path) && !existsSync(join(data, file)) ? path : undefined
    const began = source === undefined ? 'schema' : 'data'
    await this.#folder.make({ name, createdAt: Date.now(), from: began, data, file, source, extensions })
    return true
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
    using _lock = await this.#folder.lock()
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
    using _lock = await this.#folder.lock()
    const { data } = this.place(name)
    await sweep(data)
    const merged = partialIn(data, 'merged')
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

  async #assertHas(name: string): Promise<void> {
    if (this.has(name) && name !== this.#options.defaultBranch) return
    const names = (await this.list()).slice(1).map((each) => each.name)
    const nearest = nearestName(name, names)
    throw new HandcarError('HANDCAR_BRANCH_MISSING', `The branch ${name} has no database of its own`, {
      ...(nearest !== undefined && { fix: `Did you mean ${nearest}?` }),
    })
  }
}
