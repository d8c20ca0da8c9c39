import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of one test, removed with all that it holds when the block that declared it with `using` ends. */
export interface TemporaryFolder extends Disposable {
  readonly path: string
  /** Path of a file in it. */
  file(name: string): string
}

/** Makes a folder for one test. */
export function temporaryFolder(): TemporaryFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'handcar-test-')))
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}
