import { randomUUID } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { HandcarError, makeFolder, OptionsError, type Logger } from '../core/index.ts'
import { fileSystemOf } from './file-systems.ts'

/** SQLite refuses a path of 512 bytes, with the endings of the files beside the database. */
const longestPath = 500
/** How many symbolic links are followed, as Linux does. */
const mostLinks = 40
const fewBytes = 100 * 1_024 ** 2
const fewDescriptors = 4_096

/** Where a database lives. */
export interface Location {
  /** Absolute path without symbolic links. */
  path: string
  /** Removes what was made for an in-memory database; does nothing for any other. */
  discard(): void
}

/**
 * Turns the option `path` into a place where a database can live, or refuses it. Creates the folder.
 *
 * @throws OptionsError `HANDCAR_DATABASE_PATH`
 * @throws HandcarError `HANDCAR_DATABASE_NETWORK`, `HANDCAR_DATABASE_READ_ONLY`
 */
export function prepareLocation(path: string): Location {
  return path === ':memory:' ? memoryLocation() : fileLocation(path, 0)
}

function fileLocation(path: string, links: number): Location {
  const folder = prepareFolder(dirname(resolve(path)), path)
  const file = join(folder, basename(path))
  if (Buffer.byteLength(file) > longestPath) {
    throw new OptionsError(
      'HANDCAR_DATABASE_PATH',
      `Expected a path of at most ${longestPath} bytes, got ${file}`,
    )
  }
  if (isLink(file) && !existsSync(file)) {
    if (links === mostLinks)
      throw new OptionsError('HANDCAR_DATABASE_PATH', `The symbolic link ${file} leads nowhere`)
    return fileLocation(resolve(folder, readlinkSync(file)), links + 1)
  }
  if (existsSync(file) && !statSync(file).isFile()) {
    throw new OptionsError('HANDCAR_DATABASE_PATH', `Expected the path of a file, got a folder: ${file}`, {
      fix: `Name a file in it, such as ${join(path, 'app.sqlite3')}.`,
    })
  }
  const system = fileSystemOf(statfsSync(folder).type)
  if (system?.kind === 'network') {
    throw new HandcarError(
      'HANDCAR_DATABASE_NETWORK',
      `${folder} lies on a network file system (${system.name})`,
      {
        details: { folder, fileSystem: system.name },
      },
    )
  }
  assertWritable(folder, file)
  return { path: existsSync(file) ? realpathSync(file) : file, discard: () => {} }
}

/** Logs what is allowed but dangerous in production: files that a restart loses, a disk or a limit that is nearly used up. */
export function warnAboutLocation(path: string, production: boolean, logger: Logger): void {
  const folder = dirname(path)
  const system = fileSystemOf(statfsSync(folder).type)
  if (production && (system?.kind === 'memory' || system?.kind === 'layered')) {
    logger.warn(
      { folder, fileSystem: system.name },
      'the database lies on a file system that does not survive a restart of the machine or container',
    )
  }
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize < fewBytes)
    logger.warn({ folder, freeBytes: bavail * bsize }, 'less than 100 MB are free where the database lies')
  const limit = descriptorLimit()
  if (limit < fewDescriptors)
    logger.warn({ limit }, 'the limit of open files is low; raise it with `ulimit -n` or LimitNOFILE')
}

function prepareFolder(folder: string, path: string): string {
  try {
    makeSureFolder(folder)
    return realpathSync(folder)
  } catch (cause) {
    throw new OptionsError(
      'HANDCAR_DATABASE_PATH',
      `The folder of ${path} cannot be made: ${String(cause)}`,
      { cause },
    )
  }
}

/** Makes a folder, and the entry of each new one certain: a power cut could lose it with all that lies in it. */
function makeSureFolder(folder: string): void {
  for (const made of makeFolder(folder).toReversed()) syncFolder(dirname(made))
}

/** Makes the entries of a folder certain: a power cut could lose a new file or folder with all that lies in it. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A link to a file that does not exist yet has to be followed by hand: SQLite puts the WAL at its end. */
function isLink(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function assertWritable(folder: string, file: string): void {
  for (const path of [folder, file, `${file}-wal`, `${file}-shm`].filter((each) => existsSync(each))) {
    try {
      accessSync(path, constants.R_OK | constants.W_OK)
    } catch (cause) {
      throw new HandcarError(
        'HANDCAR_DATABASE_READ_ONLY',
        `${path} cannot be read and written by this process`,
        { cause },
      )
    }
  }
}

function memoryLocation(): Location {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const folder = mkdtempSync(join(parent, `handcar-${process.pid}-`))
  return {
    path: join(folder, `${randomUUID()}.sqlite3`),
    discard: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function descriptorLimit(): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return match ? Number(match[1]) : Infinity
  } catch {
    return Infinity
  }
}
