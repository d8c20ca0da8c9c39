import type { Database, Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { selectParkedNames, selectUnparkable, unparkJobs } from '../sql.ts'

type Reader = Pick<Database | Transaction, 'all' | 'get'>

/**
 * Jobs that a process could not perform wait aside, out of the claim's way: `blocked = 2` when it did not know their name or their
 * version, as happens while a release is deployed, until any process looks that knows them; `blocked = 3` when their payload
 * cannot be read, until a process starts, which may have better code.
 */
export class Parking {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Whether there are jobs that this process knows and another one did not. */
  isUseful(reader: Reader): boolean {
    return this.#known(reader).some(
      ({ name, version }) => reader.get(selectUnparkable, [name, version]) !== undefined,
    )
  }

  /** Lets the jobs run that this process knows; `most`: up to which degree of blocking. */
  unpark(tx: Transaction, most: 2 | 3): void {
    for (const { name, version } of this.#known(tx)) tx.run(unparkJobs, [name, most, version])
  }

  #known(reader: Reader) {
    const names = reader.all<{ name: string }>(selectParkedNames)
    return names.flatMap(({ name }) => this.#engine.definitions.get(name) ?? [])
  }
}
