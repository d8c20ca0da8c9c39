import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { ownerName, StoreDenied, type OwnerStore } from './store.ts'

/** Beside a replica in a folder. */
export class FolderStore implements OwnerStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  async read(): Promise<string | undefined> {
    try {
      return await readFile(join(this.#folder, ownerName), 'utf8')
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return undefined
      throw code === 'EACCES' ? new StoreDenied(String(error)) : error
    }
  }

  async write(text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const partial = join(this.#folder, `.${ownerName}.${randomBytes(6).toString('hex')}.partial`)
    {
      await using file = await open(partial, 'w', 0o600)
      await file.writeFile(text)
      await file.sync()
    }
    await rename(partial, join(this.#folder, ownerName))
  }
}
