import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupFolder } from '../litestream/folder.ts'

/** The tokens of a data folder, by which replicas are its own: `owner.json` in the folder of the backup. */
export class OwnTokens {
  readonly #folder: BackupFolder

  constructor(folder: BackupFolder) {
    this.#folder = folder
  }

  /** Those of the replica with this address. */
  async of(address: string): Promise<string[]> {
    return (await this.#all())[address] ?? []
  }

  /** Replaces them. */
  async keep(address: string, tokens: readonly string[]): Promise<void> {
    const all = { ...(await this.#all()), [address]: tokens }
    await mkdir(this.#folder.path, { recursive: true, mode: 0o700 })
    await writeFile(`${this.#file}.partial`, `${JSON.stringify(all, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${this.#file}.partial`, this.#file)
  }

  async #all(): Promise<Record<string, string[]>> {
    try {
      return JSON.parse(await readFile(this.#file, 'utf8')) as Record<string, string[]>
    } catch {
      return {}
    }
  }

  get #file(): string {
    return join(this.#folder.path, 'owner.json')
  }
}
