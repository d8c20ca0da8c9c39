import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FileLock } from './file-lock.ts'

/** A lock file may be so young that its process has made it and not locked it yet, in milliseconds. */
const young = 60_000

/**
 * What a process is known by while it holds something in a database: a random name, and a file beside the database that it keeps
 * locked as long as it lives. The kernel lets the lock go when the process ends, however it ends: nobody waits for a lease to
 * run out, a process that only stands still keeps its seat, and neither a pid that is used again, a restart of the machine nor a
 * container with pids of its own can be taken for a living process.
 */
export class ProcessSeat implements Disposable {
  /** Stands in the rows of the process. */
  readonly name: string
  readonly #file: string
  readonly #lock: FileLock

  private constructor(name: string, file: string, lock: FileLock) {
    this.name = name
    this.#file = file
    this.#lock = lock
  }

  /**
   * Takes a seat under a new name.
   *
   * @param path Absolute path of the database.
   * @param kind What the seat is for; part of the name of the file: `<database>.<kind>-<name>`.
   */
  static take(path: string, kind: string): ProcessSeat {
    for (;;) {
      const name = randomUUID()
      const file = fileOf(path, kind, name)
      const lock = FileLock.acquire(file)
      // Somebody who tidies up was quicker than we could lock it.
      if (lock !== undefined && exists(file)) return new ProcessSeat(name, file, lock)
      lock?.[Symbol.dispose]()
    }
  }

  /**
   * Takes the seat of a process that has ended, so that one heir alone settles what it left; the file goes when the heir has
   * disposed of it. `undefined` when the process lives, or another heir was quicker.
   */
  static inherit(path: string, kind: string, name: string): ProcessSeat | undefined {
    const file = fileOf(path, kind, name)
    const lock = FileLock.acquire(file)
    return lock && new ProcessSeat(name, file, lock)
  }

  /** Whether the process of a seat has ended; takes nothing. */
  static isEmpty(path: string, kind: string, name: string): boolean {
    const file = fileOf(path, kind, name)
    // The file goes with its process, or with whoever found it dead.
    if (!exists(file)) return true
    const lock = FileLock.acquire(file)
    lock?.[Symbol.dispose]()
    return lock !== undefined
  }

  /** Removes the files of processes that were killed; returns their names. */
  static tidy(path: string, kind: string): string[] {
    const prefix = `${basename(path)}.${kind}-`
    const folder = dirname(path)
    const files = readdirSync(folder).filter((file) => file.startsWith(prefix))
    return files.flatMap((file) => {
      const modifiedAt = statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
      if (Date.now() - modifiedAt < young) return []
      const name = file.slice(prefix.length)
      using seat = ProcessSeat.inherit(path, kind, name)
      return seat ? [name] : []
    })
  }

  /** Leaves it; its file goes. */
  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true })
    this.#lock[Symbol.dispose]()
  }
}

const fileOf = (path: string, kind: string, name: string): string => `${path}.${kind}-${name}`
const exists = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined
