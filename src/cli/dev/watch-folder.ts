import { watch, type FSWatcher } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'

/** What to watch. */
export interface WatchOptions {
  folder: string
  /** Absolute paths of folders to leave alone, such as the data folder. */
  ignored: readonly string[]
  /** Called with the path, relative to the folder, of each file that changed, came or went. */
  onChange: (path: string) => void
}

/** Temporary files of editors, databases with what lies beside them, and logs: perhaps that of this very process. */
const ignoredFiles = /~$|^#.*#$|^4913$|\.(?:swp|swx|tmp|log)$|\.sqlite3(?:-\w+)?$/

/**
 * Watches the source of an app: every folder but `node_modules`, folders whose names begin with a dot, and those to be ignored;
 * every file but temporary ones, databases, logs, and names with a dot at the beginning that are not `.env`.
 *
 * One watcher for each folder, not `recursive`: on Linux that would walk through `node_modules` first.
 */
export class FolderWatch implements Disposable {
  readonly #options: WatchOptions
  readonly #watchers = new Map<string, FSWatcher>()
  /** Which folder is watched at a path, for another one may come in its place; file systems use an inode again, so with its birth. */
  readonly #identities = new Map<string, string>()
  #isClosed = false

  private constructor(options: WatchOptions) {
    this.#options = options
  }

  /** Resolves when everything is watched. */
  static async open(options: WatchOptions): Promise<FolderWatch> {
    const opened = new FolderWatch(options)
    await opened.#watch(options.folder)
    return opened
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  async #watch(folder: string): Promise<void> {
    try {
      const { ino, birthtimeMs } = await stat(folder)
      const identity = `${ino} ${birthtimeMs}`
      if (this.#isClosed || this.#identities.get(folder) === identity) return
      this.#forget(folder)
      this.#identities.set(folder, identity)
      const watcher = watch(folder, (_event, name) => {
        if (name !== null) this.#changed(join(folder, name))
      })
      watcher.on('error', () => this.#forget(folder))
      this.#watchers.set(folder, watcher)
      const entries = await readdir(folder, { withFileTypes: true })
      const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name))
      await Promise.all(folders.filter((path) => !this.#isIgnored(path)).map((path) => this.#watch(path)))
    } catch {
      // It is gone already.
      this.#forget(folder)
    }
  }

  #changed(path: string): void {
    if (this.#isClosed || this.#isIgnored(path)) return
    void this.#follow(path)
    this.#options.onChange(path.slice(this.#options.folder.length + sep.length))
  }

  /** A folder that came is watched; one that went is forgotten, since another one may come in its place. */
  async #follow(path: string): Promise<void> {
    const found = await stat(path).catch(() => undefined)
    if (found?.isDirectory()) await this.#watch(path)
    else this.#forget(path)
  }

  #isIgnored(path: string): boolean {
    const name = basename(path)
    if (name.startsWith('.')) return !name.startsWith('.env')
    return name === 'node_modules' || ignoredFiles.test(name) || this.#options.ignored.includes(path)
  }

  #forget(folder: string): void {
    this.#identities.delete(folder)
    for (const [path, watcher] of this.#watchers) {
      if (path !== folder && !path.startsWith(folder + sep)) continue
      watcher.close()
      this.#watchers.delete(path)
      this.#identities.delete(path)
    }
  }
}
