import { existsSync } from 'node:fs'
import { FileIdentity } from '../../database/index.ts'

/** Tells whether the paths of databases still lead to the files to which they led at first. A file that does not exist yet may come. */
export class DatabaseIdentities {
  readonly #paths: readonly string[]
  readonly #known = new Map<string, FileIdentity>()

  constructor(paths: readonly string[]) {
    this.#paths = paths
    this.haveChanged()
  }

  /** Whether one of the files is another one by now, or gone. */
  haveChanged(): boolean {
    for (const path of this.#paths)
      if (!this.#known.has(path) && existsSync(path)) this.#known.set(path, new FileIdentity(path))
    return [...this.#known.values()].some((identity) => identity.hasChanged())
  }
}
