import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UsageError } from './usage-error.ts'

const configFiles = ['handcar.config.ts', 'handcar.config.js', 'handcar.config.mjs']

/**
 * The folder of the app that a command is about: the one that was named, else the nearest folder upward that has a
 * `handcar.config.*`, else the current one.
 *
 * It is the path as the user reaches it, with symbolic links in it: `/srv/app/current` has to stay `current`, since a
 * reload looks where the link leads by then.
 *
 * @param named The option `--folder`.
 * @throws UsageError when the named folder does not exist
 */
export function findFolder(named: string | undefined, environment: NodeJS.ProcessEnv): string {
  const here = currentFolder(environment)
  if (named === undefined) return nearestApp(here) ?? here
  const folder = resolve(here, named)
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder
  throw new UsageError(`--folder: expected a folder that exists, got ${folder}`, 'Correct the path.')
}

/** `process.cwd()` has no symbolic links in it; the shell's `PWD` has, as long as it is about the same folder. */
function currentFolder({ PWD }: NodeJS.ProcessEnv): string {
  const real = process.cwd()
  return PWD !== undefined && existsSync(PWD) && realpathSync(PWD) === real ? PWD : real
}

function nearestApp(from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    if (configFiles.some((file) => existsSync(join(folder, file)))) return folder
    if (folder === dirname(folder)) return undefined
  }
}
