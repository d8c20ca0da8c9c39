import { randomBytes } from 'node:crypto'
import { constants, existsSync, realpathSync } from 'node:fs'
import { chmod, copyFile, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { HandcarError } from '../../core/index.ts'
import type { Extension } from '../../database/index.ts'
import { giveToOwnerOf } from '../owner.ts'
import { assertRoom } from '../snapshots/space.ts'
import { fitIn, type InPlace } from './in-place.ts'
import { switchFiles } from './switch.ts'

/** What {@link restoreFile} needs to know. */
export interface RestoreFileOptions {
  /** A database file that nobody has open. */
  from: string
  /** Where it goes. */
  to: string
  /** Whether there may be a database already, which is then set aside. */
  mayReplace: boolean
  /** The time for the name of the folder in which the old files are set aside, in milliseconds since 1970. */
  at: number
  /** What is done when it takes the place of the database. */
  inPlace?: InPlace | undefined
  extensions?: readonly Extension[]
  /** Throws when the copy is not what it should be. */
  check: (path: string) => Promise<void>
}

/** What came of it. */
export interface RestoredFile {
  path: string
  /** The folder in which the old files are; `undefined` when there were none. */
  replaced?: string
}

/**
 * Copies a database file to its place: first beside it on the same file system, where it is checked and synced; only then does it
 * take the place, by a rename. Whatever goes wrong before leaves everything as it was.
 *
 * @throws HandcarError `HANDCAR_RESTORE_TARGET`, `HANDCAR_DISK_FULL`; what `check` throws; the errors of {@link switchFiles}
 */
export async function restoreFile({
  from,
  to,
  mayReplace,
  at,
  inPlace,
  extensions = [],
  check,
}: RestoreFileOptions): Promise<RestoredFile> {
  const path = mayReplace ? realPlace(resolve(to)) : resolve(to)
  assertTarget(path, mayReplace)
  await assertRoom(dirname(path), from)
  const partial = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.partial`)
  try {
    // Some file systems share the blocks instead of copying them.
    await copyFile(from, partial, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL)
    const like = existsSync(path) ? path : from
    giveToOwnerOf(like, partial)
    await chmod(partial, (await stat(like)).mode & 0o777)
    await check(partial)
    await fitIn(partial, inPlace, { extensions })
    const [replaced] = await switchFiles([{ from: partial, path }], at, inPlace?.beforeSwitch)
    return { path, ...(replaced !== undefined && { replaced }) }
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? noRoom(path, error) : error
  } finally {
    await rm(partial, { force: true })
  }
}

/**
 * Refuses a place for a restored file.
 *
 * @throws HandcarError `HANDCAR_RESTORE_TARGET`
 */
export function assertTarget(path: string, mayReplace: boolean): void {
  if (!existsSync(dirname(path)))
    throw new HandcarError('HANDCAR_RESTORE_TARGET', `Expected a folder that exists, got ${dirname(path)}`)
  const taken = ['', '-wal', '-shm'].map((end) => `${path}${end}`).find((each) => existsSync(each))
  if (taken !== undefined && !mayReplace)
    throw new HandcarError('HANDCAR_RESTORE_TARGET', `Expected a file that does not exist, got ${taken}`)
}

/** Where a database really is: a rename would replace the link to it and leave the file. */
export function realPlace(path: string): string {
  return existsSync(path) ? realpathSync(path) : path
}

/** What the system said of a folder into which something was to be restored. */
export function refuseTarget(folder: string, cause: unknown): never {
  const { code = '' } = cause as NodeJS.ErrnoException
  if (code === 'ENOSPC') throw noRoom(folder, cause)
  throw new HandcarError(
    'HANDCAR_RESTORE_TARGET',
    `Expected a folder to write to, or one that can be made, got ${folder} (${code})`,
    { cause },
  )
}

/** The disk was full before anything was changed. */
export function noRoom(path: string, cause: unknown): HandcarError {
  return new HandcarError(
    'HANDCAR_DISK_FULL',
    `The disk has no room to restore ${path}; nothing was changed`,
    {
      cause,
    },
  )
}
