import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MissingToolError, type Logger } from '../core/index.ts'
import { openDriver } from './driver.ts'
import type { Extension } from './options.ts'

/**
 * Finds the files of extensions and tries each once on a throw-away connection, so that what is missing is said at the
 * start. Packages are looked up from the working directory, as the application would.
 *
 * @returns paths for `loadExtension`, without the optional ones that are missing
 * @throws MissingToolError `HANDCAR_EXTENSION_MISSING`
 */
export async function findExtensions(extensions: readonly Extension[], logger: Logger): Promise<string[]> {
  const paths: string[] = []
  for (const extension of extensions) {
    const name = nameOf(extension)
    try {
      const path = await pathOf(extension)
      tryExtension(path)
      paths.push(path)
    } catch (cause) {
      if (!isOptional(extension)) {
        throw new MissingToolError(
          'HANDCAR_EXTENSION_MISSING',
          `The extension ${name} cannot be loaded: ${String(cause)}`,
          { cause },
        )
      }
      logger.warn({ extension: name, cause: String(cause) }, 'an optional extension is missing')
    }
  }
  return paths
}

async function pathOf(extension: Extension): Promise<string> {
  if (typeof extension === 'string') return resolve(extension)
  if ('path' in extension) return resolve(extension.path)
  const require = createRequire(join(process.cwd(), 'package.json'))
  const module = (await import(pathToFileURL(require.resolve(extension.package)).href)) as {
    getLoadablePath?: () => string
  }
  if (typeof module.getLoadablePath !== 'function')
    throw new Error('the package exports no getLoadablePath()')
  return module.getLoadablePath()
}

function tryExtension(path: string): void {
  const driver = openDriver(':memory:', { readonly: false })
  try {
    driver.loadExtension(path)
  } finally {
    driver.close()
  }
}

function nameOf(extension: Extension): string {
  if (typeof extension === 'string') return extension
  return 'path' in extension ? extension.path : extension.package
}

function isOptional(extension: Extension): boolean {
  return typeof extension === 'object' && extension.optional === true
}
