import type { Database, Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import {
  countUnreadable,
  releaseHeld,
  selectHeld,
  selectParkedNames,
  selectUnparkable,
  unparkJobs,
} from '../sql.ts'

/** How many jobs of a name one write lets run, so that it stays short. */
const atOnce = 1_000

type Reader = Pick<Database | Transaction, 'all' | 'get'>

/**
 * Jobs that a process could not perform wait aside, out of the claim's way: `blocked = 2` when it did not know their name or their
 * version, as happens while a release is deployed, until any process looks that knows them; `blocked = 3` when their payload
 * cannot be read, until a process starts, which may have better code; `blocked = 4` while their name is paused.
 */
export class Parking {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Whether there are jobs that this process knows and another one did not, or whose name is not paused any more. */
  isUseful(reader: Reader): boolean {
    return this.#known(reader).some(
      ({ name, version }) =>
        reader.get(selectUnparkable, [name, version]) !== undefined ||
        reader.get(selectHeld, [name]) !== undefined,
    )
  }

  /** Lets jobs run that this process knows, and those whose name is not paused any more. Returns whether there may be more. */
  unpark(tx: Transaction): boolean {
    let mayBeMore = false
    for (const { name, version } of this.#known(tx)) {
      if (unparkSome(tx, name, version, 2) === atOnce) mayBeMore = true
      if (tx.get(selectHeld, [name]) === undefined) continue
      if (tx.run(releaseHeld, [name, atOnce]).changes === atOnce) mayBeMore = true
    }
    return mayBeMore
  }

  /** Lets those jobs run, too, whose payload could not be read; not those that are found so meanwhile. */
  async unparkUnreadable(): Promise<void> {
    const { database } = this.#engine
    for (const { name, version } of this.#known(database)) {
      let left = database.get<{ count: number }>(countUnreadable, [name, version])!.count
      while (left > 0) {
        left -= atOnce
        if ((await database.write((tx) => unparkSome(tx, name, version, 3))) < atOnce) break
      }
    }
  }

  #known(reader: Reader) {
    const names = reader.all<{ name: string }>(selectParkedNames)
    return names.flatMap(({ name }) => this.#engine.definitions.get(name) ?? [])
  }
}

/** Returns how many jobs there were. */
function unparkSome(tx: Transaction, name: string, version: number, blocked: 2 | 3): number {
  return tx.run(unparkJobs, { name, version, blocked, limit: atOnce }).changes
}
