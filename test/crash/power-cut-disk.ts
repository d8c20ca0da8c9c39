import { dirname } from 'node:path'
import { CachedFile, type Survival } from './power-cut-file.ts'
import type { Entry } from './power-cut-log.ts'

type Node = CachedFile | 'folder'
type Naming = { at: number; path: string; node: Node | undefined }

/**
 * A folder on a disk, as the log of a program's calls makes it: which files are there and what they hold, for certain and
 * perhaps. A name that was made or removed is certain after a sync of its folder (fsync(2)); until then any of the
 * changes may survive. The folder itself is there from the beginning.
 */
export class Disk {
  readonly #files = new Map<bigint, CachedFile>()
  readonly #paths = new Map<bigint, string>()
  readonly #begun = new Map<bigint, number>()
  readonly #certainNames = new Map<string, Node>()
  #uncertainNames: Naming[] = []

  /** @param inode Inode of the folder. */
  constructor(path: string, inode: bigint) {
    this.#paths.set(inode, path)
  }

  /** Does what one entry of the log says; `at` is its place. */
  apply(entry: Entry, at: number): void {
    const { inode } = entry
    if (entry.kind === 'write') this.#files.get(inode)!.write(at, entry.offset, entry.data)
    else if (entry.kind === 'truncate') this.#files.get(inode)!.truncate(at, entry.size)
    else if (entry.kind === 'sync-begin') this.#begun.set(entry.sync, at)
    else if (entry.kind === 'sync-end') this.#synced(inode, this.#begun.get(entry.sync)!)
    else if (entry.kind === 'unlink') this.#uncertainNames.push({ at, path: entry.path, node: undefined })
    else this.#create(at, inode, entry.path, entry.kind === 'create' ? new CachedFile() : 'folder')
  }

  /** What the disk may hold now, by path. */
  image(survives: Survival): { folders: string[]; files: Map<string, Buffer> } {
    const names = new Map(this.#certainNames)
    for (const naming of this.#uncertainNames) if (survives()) name(names, naming)
    const folders = [...names].flatMap(([path, node]) => (node === 'folder' ? [path] : []))
    const files = new Map<string, Buffer>()
    for (const [path, node] of names) {
      const isReachable = dirname(path) === this.#root || names.get(dirname(path)) === 'folder'
      if (node !== 'folder' && isReachable) files.set(path, node.image(survives))
    }
    return { folders, files }
  }

  get #root(): string {
    return this.#paths.values().next().value!
  }

  /** An inode is used again after its file is gone, so what is known about it begins anew. */
  #create(at: number, inode: bigint, path: string, node: Node): void {
    if (node === 'folder') this.#paths.set(inode, path)
    else this.#files.set(inode, node)
    this.#uncertainNames.push({ at, path, node })
  }

  #synced(inode: bigint, begin: number): void {
    const folder = this.#paths.get(inode)
    if (folder === undefined) return this.#files.get(inode)?.synced(begin)
    const isCertain = ({ at, path }: Naming): boolean => at < begin && dirname(path) === folder
    for (const naming of this.#uncertainNames.filter(isCertain)) name(this.#certainNames, naming)
    this.#uncertainNames = this.#uncertainNames.filter((naming) => !isCertain(naming))
  }
}

function name(names: Map<string, Node>, { path, node }: Naming): void {
  if (node === undefined) names.delete(path)
  else names.set(path, node)
}
