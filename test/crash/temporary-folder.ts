import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for one test, on the disk or wherever `parent` lies, removed at the end of the block. */
export interface TemporaryFolder extends Disposable {
  path: string
  join(name: string): string
}

/** Makes a {@link TemporaryFolder}. */
export function temporaryFolder(parent: string = tmpdir()): TemporaryFolder {
  const path = realpathSync(mkdtempSync(join(parent, 'handcar-crash-')))
  return {
    path,
    join: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}
