import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { Outcome, suspend } from '../perform/outcome.ts'
import type { Parked } from './in-flight.ts'
import { selectDoneStep } from './sql.ts'

/** The job sleeps: until a time, until one of some steps is done, or for ever. */
export class Suspension extends Outcome {
  readonly wakeAt: number | undefined
  readonly names: readonly string[]

  constructor(wakeAt: number | undefined, names: readonly string[]) {
    super('suspend', undefined, undefined)
    this.wakeAt = wakeAt
    this.names = names
  }

  /** The sleep of a job whose steps are parked: until the first of them can go on. */
  static of(parked: readonly Parked[]): Suspension {
    const times = parked.flatMap(({ wakeAt }) => wakeAt ?? [])
    return new Suspension(
      times.length === 0 ? undefined : Math.min(...times),
      parked.map(({ name }) => name),
    )
  }

  /** What the engine is to do. An event that came before the job was asleep is found in the transaction that puts it to sleep. */
  outcome(jobId: number, { clock }: Engine): Outcome {
    const { wakeAt, names } = this
    const delay = wakeAt === undefined ? undefined : Math.max(0, wakeAt - clock.now())
    const list = JSON.stringify(names)
    return suspend(
      delay,
      (tx: Transaction) => names.length > 0 && tx.get(selectDoneStep, [jobId, list]) !== undefined,
    )
  }
}
