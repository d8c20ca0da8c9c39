import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { randomUUID } from 'node:crypto'
import { FileLock, type Database, type Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { endWorker, insertWorker, selectSeat } from '../sql.ts'

/**
 * What a worker is known by: a row in the table of workers, whose id stands in the rows of its jobs, and a file that it
 * holds locked as long as it lives. The kernel lets the lock go when the process ends, however it ends, so that a pid that is used again, a
 * restart of the machine or a container with pids of its own cannot be taken for a living worker.
 */
export class WorkerSeat {
  /** For people: `machine:pid`. */
  readonly name: string
  readonly #engine: Engine
  readonly #lock: FileLock
  readonly #token: string
  #id = 0

  private constructor(engine: Engine, token: string, lock: FileLock) {
    this.#engine = engine
    this.name = `${hostname()}:${process.pid}`
    this.#lock = lock
    this.#token = token
  }

  get id(): number {
    return this.#id
  }

  static async take(engine: Engine): Promise<WorkerSeat> {
    const { database } = engine
    const token = randomUUID()
    const file = lockFileOf(database, token)
    const lock = FileLock.acquire(file)!
    const seat = new WorkerSeat(engine, token, lock)
    try {
      await database.write((tx) => seat.#sitDown(tx))
      return seat
    } catch (error) {
      lock[Symbol.dispose]()
      await rm(file, { force: true })
      throw error
    }
  }

  /** Takes it anew when its row is gone, as when the table was restored from a backup under a worker that lives. */
  confirm(tx: Transaction): void {
    if (tx.get(selectSeat, [this.#id, this.#token]) === undefined) this.#sitDown(tx)
  }

  #sitDown(tx: Transaction): void {
    const { pid } = process
    const now = this.#engine.clock.now()
    const values = [pid, bootId(), processStartedAt(pid) ?? '', this.#token, this.name, now]
    this.#id = Number(tx.run(insertWorker, values).lastInsertRowid)
  }

  /** Leaves it. One that is not left in order stays in the table, so that its jobs are given back. */
  async leave(isInOrder: boolean): Promise<void> {
    const { database, clock, logger } = this.#engine
    try {
      if (isInOrder) await database.run(endWorker, [clock.now(), this.id])
    } catch (error) {
      logger.warn({ error: String(error) }, 'a worker could not sign off')
    }
    this.#lock[Symbol.dispose]()
    await rm(lockFileOf(database, this.#token), { force: true })
  }
}

/** The file that a worker of a database holds locked. */
export function lockFileOf(database: Database, token: string): string {
  return `${database.path}.worker-${token}`
}

/** Changes with each start of the machine; empty where the system does not tell. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** When a process was started, in ticks since the start of the machine; `undefined` where the system does not tell. */
function processStartedAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}
