import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UsageError } from '../usage-error.ts'
import type { DeployFile } from './target.ts'

/** What became of a file. */
export interface Written {
  path: string
  outcome: 'wrote' | 'kept'
}

/**
 * Writes files into a folder: all of them, or none.
 *
 * @param force Whether files that are there already are overwritten.
 * @throws UsageError when a file is there already with another content, and is not shared with another target
 */
export function writeFiles(folder: string, files: readonly DeployFile[], force: boolean): Written[] {
  const isThere = ({ path }: DeployFile): boolean => existsSync(join(folder, path))
  const isSame = ({ path, content }: DeployFile): boolean =>
    readFileSync(join(folder, path), 'utf8') === content
  const isKept = (file: DeployFile): boolean =>
    isThere(file) && (isSame(file) || (file.shared === true && !force))
  const inTheWay = files.filter((file) => isThere(file) && !isKept(file))
  if (inTheWay.length > 0 && !force) {
    throw new UsageError(
      `${inTheWay.map(({ path }) => path).join(' and ')} exist${inTheWay.length > 1 ? '' : 's'} already, and nothing was written`,
      'Add --force to overwrite, after `git diff` shows nothing that would be lost.',
    )
  }
  return files.map((file) => {
    if (isKept(file)) return { path: file.path, outcome: 'kept' }
    mkdirSync(dirname(join(folder, file.path)), { recursive: true })
    writeFileSync(join(folder, file.path), file.content, { mode: file.executable ? 0o755 : 0o644 })
    return { path: file.path, outcome: 'wrote' }
  })
}
