import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { MissingToolError } from '../../core/index.ts'
import { parseVersion, type LitestreamVersion } from './version.ts'

/** A Litestream that can be run. */
export interface LitestreamBinary extends LitestreamVersion {
  path: string
  /** Who named it: the setting `backup.binary`, `handcar backup install`, PATH, or the npm package. */
  origin: 'setting' | 'installed' | 'PATH' | 'npm'
}

/** Where Litestream is looked for. */
export interface LitestreamSearch {
  /** The setting `backup.binary`. When it is given nothing else is looked at. */
  binary?: string | undefined
  /** What `handcar backup install` has installed, if anything. */
  installed: string
  /** The app's folder, for the npm package. */
  app: string
  /** The variable PATH. */
  searchPath?: string | undefined
  /** Breaks it off. */
  signal?: AbortSignal
}

const run = promisify(execFile)

/**
 * Finds the Litestream to run. The first one counts, also when it is of no use: another one, of another format, would begin a backup
 * that the first cannot read.
 *
 * @throws MissingToolError `HANDCAR_LITESTREAM_MISSING`, `HANDCAR_LITESTREAM_VERSION`
 */
export async function findLitestream(search: LitestreamSearch): Promise<LitestreamBinary> {
  const found = locate(search)
  const { stdout } = await run(found.path, ['version'], {
    timeout: 30_000,
    signal: search.signal,
    killSignal: 'SIGKILL',
  }).catch((cause: unknown) => {
    search.signal?.throwIfAborted()
    throw new MissingToolError('HANDCAR_LITESTREAM_VERSION', `${found.path} does not run: ${String(cause)}`, {
      cause,
    })
  })
  return { ...found, ...parseVersion(stdout, found.path) }
}

function locate({ binary, installed, app, searchPath = '' }: LitestreamSearch) {
  if (binary !== undefined) {
    if (isProgram(binary)) return { path: binary, origin: 'setting' as const }
    throw missing(`Expected a program at ${binary}, which the setting backup.binary names; there is none`)
  }
  if (isProgram(installed)) return { path: installed, origin: 'installed' as const }
  const onPath = searchPath
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'litestream'))
    // Inside npm's scripts PATH begins with node_modules/.bin, whose wrapper drops exit codes and leaves orphans.
    .find((path) => !path.includes(join('node_modules', '.bin')) && isProgram(path))
  if (onPath !== undefined) return { path: onPath, origin: 'PATH' as const }
  const embedded = embeddedLitestream(app)
  if (embedded !== undefined) return { path: embedded, origin: 'npm' as const }
  throw missing('Litestream, which makes the backup, was found neither installed, nor on PATH, nor in npm')
}

/**
 * The program in the npm package `@flydotio/litestream` of an app, without its wrapper. Its package for this platform is found from there,
 * since strict package managers show it to nobody else.
 */
function embeddedLitestream(app: string): string | undefined {
  try {
    const wrapper = createRequire(join(app, 'package.json')).resolve('@flydotio/litestream/package.json')
    const platform = `@flydotio/litestream-${process.platform}-${process.arch}`
    const path = join(dirname(createRequire(wrapper).resolve(`${platform}/package.json`)), 'litestream')
    return isProgram(path) ? path : undefined
  } catch {
    return undefined
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function missing(message: string): MissingToolError {
  return new MissingToolError('HANDCAR_LITESTREAM_MISSING', message)
}

/** What its user should know of a Litestream. */
export function limitsOf({ line, version, origin }: LitestreamBinary): string | undefined {
  if (line === '0.5') return undefined
  const how = origin === 'npm' ? ' of the npm package' : ''
  return `Litestream ${version}${how} is in use: it contains SQLite 3.42, which can lose a write when two processes checkpoint at once, and moments in pauses between its generations cannot be restored. Litestream 0.5 is better: \`handcar backup install\``
}
