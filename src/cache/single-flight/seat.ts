import { randomUUID } from 'node:crypto'
import { readdirSync, rmSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { FileLock, type Database } from '../../database/index.ts'

/** A lock file may be so young that its process has made it and not locked it yet, in milliseconds. */
const young = 60_000

/**
 * What a process is known by that holds leases: a file that it holds locked as long as it lives. The kernel lets the lock go when the
 * process ends, however it ends; nobody has to wait for a lease to run out, and a process that only stands still keeps its own.
 */
export class Seat implements Disposable {
  /** Stands in its leases. */
  readonly name: string
  readonly #file: string
  readonly #lock: FileLock

  private constructor(name: string, file: string, lock: FileLock) {
    this.name = name
    this.#file = file
    this.#lock = lock
  }

  static take(database: Database): Seat {
    for (;;) {
      const name = randomUUID()
      const file = fileOf(database, name)
      const lock = FileLock.acquire(file)
      // Somebody who tidies up was quicker than we could lock it.
      if (lock !== undefined && statSync(file, { throwIfNoEntry: false }) !== undefined)
        return new Seat(name, file, lock)
      lock?.[Symbol.dispose]()
    }
  }

  /** Whether the process of a seat has ended. Never asked of one's own: that would let the lock go. */
  static isEmpty(database: Database, name: string): boolean {
    const file = fileOf(database, name)
    // The file goes with its process, or with whoever found it dead.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return true
    const lock = FileLock.acquire(file)
    lock?.[Symbol.dispose]()
    return lock !== undefined
  }

  /** Removes the files of processes that were killed; returns their names. */
  static tidy(database: Database): string[] {
    const prefix = `${basename(database.path)}.cache-`
    const folder = dirname(database.path)
    const names: string[] = []
    for (const file of readdirSync(folder).filter((name) => name.startsWith(prefix))) {
      const path = join(folder, file)
      const modifiedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
      if (Date.now() - modifiedAt < young) continue
      const lock = FileLock.acquire(path)
      if (lock === undefined) continue
      rmSync(path, { force: true })
      lock[Symbol.dispose]()
      names.push(file.slice(prefix.length))
    }
    return names
  }

  [Symbol.dispose](): void {
    rmSync(this.#file, { force: true })
    this.#lock[Symbol.dispose]()
  }
}

const fileOf = (database: Database, name: string): string => `${database.path}.cache-${name}`
