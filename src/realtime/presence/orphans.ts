import { setDelay } from '../../core/index.ts'
import { endSelected } from './endings.ts'
import type { PresenceEngine } from './entry.ts'
import { selectNextEnding, selectOverdue } from './sql.ts'

/** So long after a failure it is tried again, in milliseconds. */
const pause = 1_000
/** A process that comes late to the clock of another one looks again after this. */
const longestDelay = 86_400_000

/**
 * Ends the presences of processes that have stopped in order, when their grace is over: the clients of a process that is replaced have
 * come back at another one by then. Every process does it; whoever comes first writes, and the others find nothing.
 */
export class Orphans {
  readonly #engine: PresenceEngine
  #timer: (() => void) | undefined
  #timerAt = Infinity
  #isStopped = true
  #ending: Promise<void> | undefined

  constructor(engine: PresenceEngine) {
    this.#engine = engine
  }

  /** Ends those whose time has passed, and waits for the others. */
  async start(): Promise<void> {
    this.#isStopped = false
    await this.#end()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.()
    await this.#ending
  }

  /** Some end at this time. */
  note(at: number): void {
    if (this.#isStopped || at >= this.#timerAt) return
    this.#timer?.()
    this.#timerAt = at
    const { clock } = this.#engine
    const end = (): void => {
      this.#ending = this.#engine.enter(() => this.#end(at))
    }
    this.#timer = setDelay(clock, end, Math.min(Math.max(0, at - clock.now()), longestDelay))
  }

  /** @param now What the clock would show if nobody had set it back since the time was noted. */
  async #end(at = 0): Promise<void> {
    this.#timerAt = Infinity
    const { database, clock, logger } = this.#engine
    try {
      await endSelected(this.#engine, selectOverdue, [Math.max(at, clock.now())])
      const next = database.get<{ at: number | null }>(selectNextEnding)!.at
      if (next !== null) this.note(next)
    } catch (error) {
      logger.warn({ error: String(error) }, 'presences could not be ended; trying again')
      this.note(clock.now() + pause)
    }
  }
}
