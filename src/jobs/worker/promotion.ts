import type { Database, Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { FairTurns } from '../enqueue/fair-turns.ts'
import { promoteJobs, selectNextDue, setTurn } from '../sql.ts'

/** How many jobs one turn makes available at most, so that a turn stays short. */
const mostAtOnce = 1_000

interface PromotedRow {
  id: number
  queue: string
  priority: number
  fair_key: string | null
}

/** Makes jobs available when their time has come: one timer, set for the earliest of them. */
export class Promotion {
  readonly #engine: Engine
  readonly #onDue: () => void
  #disarm: (() => void) | undefined
  #armedFor = Infinity

  constructor(engine: Engine, onDue: () => void) {
    this.#engine = engine
    this.#onDue = onDue
  }

  /** Sets the timer for the earliest job; returns whether one is due already. */
  arm(reader: Pick<Database | Transaction, 'get'>): boolean {
    const next = reader.get<{ scheduled_at: number }>(selectNextDue)?.scheduled_at ?? Infinity
    const now = this.#engine.clock.now()
    if (next <= now) return true
    if (next === this.#armedFor) return false
    this.stop()
    if (next === Infinity) return false
    this.#armedFor = next
    this.#disarm = this.#engine.clock.setTimer(() => {
      this.#armedFor = Infinity
      this.#onDue()
    }, next)
    return false
  }

  /** Makes the jobs that are due available, and sets the timer for those that are not. Returns whether more are due. */
  promote(tx: Transaction, now: number): boolean {
    for (;;) {
      if (!this.arm(tx)) return false
      const promoted = tx.all<PromotedRow>(promoteJobs, [now, mostAtOnce])
      const turns = new FairTurns(tx)
      for (const job of promoted) {
        if (job.fair_key === null) continue
        const fair = { ...job, turn: 0 }
        turns.give(fair)
        tx.run(setTurn, [fair.turn, fair.id])
      }
      if (promoted.length === mostAtOnce || promoted.length === 0) return true
    }
  }

  stop(): void {
    this.#disarm?.()
    this.#disarm = undefined
    this.#armedFor = Infinity
  }
}
