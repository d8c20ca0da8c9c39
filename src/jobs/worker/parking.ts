import type { Database, Transaction } from '../../database/index.ts'
import { jobsTopic, type Engine } from '../engine.ts'
import { releaseHeld, selectHeld, selectParkedNames, selectUnparkable, unparkJobs } from '../sql.ts'

/** How many jobs of a name that is not paused any more one turn lets run, so that it stays short. */
const releasedAtOnce = 1_000

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

  /** Lets the jobs run that this process knows; `most`: up to which degree of blocking. */
  unpark(tx: Transaction, most: 2 | 3): void {
    for (const { name, version } of this.#known(tx)) {
      tx.run(unparkJobs, [name, most, version])
      if (tx.get(selectHeld, [name]) === undefined) continue
      // The rest follows in the next turn.
      if (tx.run(releaseHeld, [name, releasedAtOnce]).changes === releasedAtOnce) tx.touch(jobsTopic)
    }
  }

  #known(reader: Reader) {
    const names = reader.all<{ name: string }>(selectParkedNames)
    return names.flatMap(({ name }) => this.#engine.definitions.get(name) ?? [])
  }
}
