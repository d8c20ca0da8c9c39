import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, extname, join } from 'node:path'

/** `…/src` with `.ts`, or `…/dist` with `.js`. */
const source = dirname(import.meta.dirname)
const extension = extname(import.meta.url)

/** Path of a module of this handcar, by its name without extension: `app/web-process`. */
export function siblingOf(name: string): string {
  return join(source, name + extension)
}

/**
 * Path of a module of the handcar that an app has installed: another version of handcar comes with a new release. Where the app
 * has none, or none with this module, it is ours.
 */
export function moduleOf(folder: string, name: string): string {
  const theirs = packageOf(folder)
  const file = theirs && join(theirs, basename(source), name + extension)
  return file !== undefined && existsSync(file) ? file : siblingOf(name)
}

function packageOf(folder: string): string | undefined {
  try {
    return dirname(createRequire(join(folder, 'package.json')).resolve('handcar/package.json'))
  } catch {
    return undefined
  }
}
