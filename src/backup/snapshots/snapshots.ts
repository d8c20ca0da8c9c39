import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  HandcarError,
  nearestName,
  option,
  OptionsError,
  readOptions,
  type Logger,
} from '../../core/index.ts'
import { copyDatabase, type FileReport } from '../../database/index.ts'
import { restoreFile, type RestoredFile } from '../restore/restore-file.ts'
import { checkSnapshot } from './check-snapshot.ts'
import { SnapshotFiles } from './files.ts'
import { lockFolder } from './folder-lock.ts'
import { checkName, nameFor } from './name.ts'
import { resolveSnapshotsOptions, type SnapshotsOptions } from './options.ts'
import {
  readCreateOptions,
  readPruneOptions,
  type CreateSnapshotOptions,
  type PruneOptions,
  type RestoreSnapshotOptions,
} from './requests.ts'
import { overLimit, replacedBy, type Retention } from './retention.ts'
import { assertRoom } from './space.ts'
import type { NewSnapshot, Snapshot, SnapshotReason } from './snapshot.ts'

/**
 * Copies of a database on its own disk: for the moment before something risky, not for the loss of the disk. Each is a whole SQLite
 * file that was checked from one end to the other before it got its name.
 *
 * A snapshot is made while everybody goes on reading and writing, in a process of its own (`database/file-tasks-process.ts` tells
 * how). It is synced, then its sidecar, and the rename is what makes it exist (`files.ts`). One process at a time changes the
 * folder, by a lock that dies with its holder.
 */
export class Snapshots {
  readonly #options: ReturnType<typeof resolveSnapshotsOptions>
  readonly #files: SnapshotFiles
  readonly #logger: Logger

  /**
   * Checks the options; opens nothing.
   *
   * @throws OptionsError
   */
  constructor(options: SnapshotsOptions) {
    this.#options = resolveSnapshotsOptions(options)
    this.#files = new SnapshotFiles(options.folder ?? join(dirname(options.path), 'snapshots'), options.path)
    this.#logger = this.#options.logger
  }

  /** The folder of the snapshots. */
  get folder(): string {
    return this.#files.folder
  }

  /**
   * Makes a snapshot of what is committed now, and deletes those of the same kind that are too many or too old.
   *
   * @throws OptionsError `HANDCAR_SNAPSHOT_NAME`; HandcarError `HANDCAR_SNAPSHOT_EXISTS`, `HANDCAR_DISK_FULL`,
   * `HANDCAR_DATABASE_PATH`, `HANDCAR_FILE_TASK_FAILED`; CorruptionError `HANDCAR_DATABASE_CORRUPT`; BusyError `HANDCAR_SNAPSHOT_BUSY`
   */
  async create(options: CreateSnapshotOptions = {}): Promise<NewSnapshot> {
    const { name, reason, note, signal } = readCreateOptions(options)
    if (name !== undefined) checkName(name)
    this.#assertDatabase()
    const startedAt = performance.now()
    await this.#files.make()
    using _lock = await this.#lock(signal)
    await this.#files.sweep()
    const before = await this.list()
    const chosen =
      name ?? nameFor(this.#options.clock.now(), reason, new Set(before.map((each) => each.name)))
    this.#assertFree(chosen)
    const snapshot = await this.#make(chosen, { reason, ...(note !== undefined && { note }) }, signal)
    if (reason !== 'manual') await this.#forgetOld(snapshot)
    const duration = Math.round(performance.now() - startedAt)
    this.#logger.info({ name: chosen, reason, bytes: snapshot.bytes, duration }, 'made a snapshot')
    return { ...snapshot, duration }
  }

  /** All snapshots, newest first. */
  list(): Promise<Snapshot[]> {
    return this.#files.list()
  }

  /** @throws HandcarError `HANDCAR_SNAPSHOT_MISSING`; OptionsError `HANDCAR_SNAPSHOT_NAME` */
  async get(name: string): Promise<Snapshot> {
    checkName(name)
    const all = await this.list()
    const found = all.find((each) => each.name === name)
    if (found) return found
    const names = all.map((each) => each.name)
    const nearest = nearestName(name, names)
    throw new HandcarError('HANDCAR_SNAPSHOT_MISSING', `There is no snapshot ${name} in ${this.folder}`, {
      ...(nearest !== undefined && { fix: `Did you mean ${nearest}?` }),
    })
  }

  /**
   * Reads a snapshot from one end to the other and compares it with what was written.
   *
   * @throws CorruptionError `HANDCAR_SNAPSHOT_DAMAGED`; HandcarError `HANDCAR_SNAPSHOT_MISSING`
   */
  async check(name: string): Promise<FileReport> {
    const snapshot = await this.get(name)
    return await checkSnapshot(snapshot.path, snapshot, this.#options.extensions)
  }

  /**
   * Puts the database of a snapshot in the place of the database, which nobody may have open, or into a new file. The old files are
   * set aside, not deleted. The copy is checked before anything is touched.
   *
   * @throws BusyError `HANDCAR_DATABASE_IN_USE`; CorruptionError `HANDCAR_SNAPSHOT_DAMAGED`; HandcarError
   * `HANDCAR_RESTORE_TARGET`, `HANDCAR_DISK_FULL`, `HANDCAR_SNAPSHOT_MISSING`
   */
  async restore(name: string, options: RestoreSnapshotOptions = {}): Promise<RestoredFile> {
    const { to } = readOptions('snapshots.restore', options, { to: option.optional(option.text()) })
    const snapshot = await this.get(name)
    return await restoreFile({
      from: snapshot.path,
      to: to ?? this.#options.path,
      mayReplace: to === undefined,
      at: this.#options.clock.now(),
      inPlace: to === undefined ? this.#options.inPlace : undefined,
      extensions: this.#options.extensions,
      check: async (path) => void (await checkSnapshot(path, snapshot, this.#options.extensions)),
    })
  }

  /** Deletes a snapshot. @throws HandcarError `HANDCAR_SNAPSHOT_MISSING` */
  async delete(name: string): Promise<void> {
    await this.get(name)
    using _lock = await this.#lock()
    await this.#files.remove(name)
  }

  /**
   * Deletes the snapshots that are over a limit, and never the newest.
   *
   * @returns those that were deleted, or would be
   */
  async prune(options: PruneOptions = {}): Promise<Snapshot[]> {
    const { all, dryRun, limits = this.#options.keep } = readPruneOptions(options)
    if (!existsSync(this.folder)) return []
    using _lock = await this.#lock()
    const kinds = Map.groupBy(await this.list(), ({ reason }) => (all ? 'all' : reason))
    const retention = await this.#retention(limits)
    const automatic = all ? ['all'] : ['migration', 'merge']
    const doomed = automatic.flatMap((kind) => overLimit(kinds.get(kind as SnapshotReason) ?? [], retention))
    if (!dryRun) for (const { name } of doomed) await this.#files.remove(name)
    return doomed
  }

  async #make(
    name: string,
    why: Pick<Snapshot, 'reason' | 'note'>,
    signal: AbortSignal | undefined,
  ): Promise<Snapshot> {
    const { path: database, extensions, clock } = this.#options
    await assertRoom(this.folder, database)
    const partial = this.#files.partial(name)
    const createdAt = clock.now()
    const { bytes, checksum, migrations, foreignKeyViolations } = await copyDatabase(database, partial, {
      extensions,
      ...(signal && { signal }),
    })
    const found = { bytes, checksum, migrations, foreignKeyViolations }
    const snapshot: Snapshot = { name, path: this.#files.path(name), createdAt, ...why, ...found }
    await this.#files.publish(partial, snapshot)
    return snapshot
  }

  async #forgetOld(made: Snapshot): Promise<void> {
    const alike = (await this.list()).filter(({ reason }) => reason === made.reason)
    for (const { name } of replacedBy(made, alike, await this.#retention())) await this.#files.remove(name)
  }

  async #retention(limits = this.#options.keep): Promise<Retention> {
    return { limits, now: this.#options.clock.now(), redSince: await this.#options.redSince() }
  }

  #lock(signal?: AbortSignal) {
    return lockFolder(this.#files.lock, this.#options.lockTimeout, { like: this.#options.path, signal })
  }

  #assertDatabase(): void {
    const { path } = this.#options
    if (existsSync(path)) return
    throw new OptionsError('HANDCAR_DATABASE_PATH', `There is no database ${path} yet`, {
      fix: 'Create it by `handcar migrate`, or by starting the app.',
    })
  }

  #assertFree(name: string): void {
    if (!this.#files.has(name)) return
    throw new HandcarError('HANDCAR_SNAPSHOT_EXISTS', `There is a snapshot ${name} in ${this.folder} already`)
  }
}
