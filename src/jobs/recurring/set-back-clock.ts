import { recurringTopic, type Engine } from '../engine.ts'
import { readSchedule } from './schedule.ts'
import type { RecurringRow } from './settings.ts'
import { selectTickedInFuture, setPlan } from './sql.ts'

/** How often the clock is looked at, in milliseconds. */
const interval = 60_000

/**
 * Notices that the clock was set back: what was ticked up to a time that now is in the future goes on from now. Ticks that come for the
 * second time find their row.
 */
export class SetBackClock {
  readonly #engine: Engine
  readonly #onSetBack: () => void
  #timer: NodeJS.Timeout | undefined
  #latest = 0

  /** @param onSetBack Called when it is noticed between two looks. */
  constructor(engine: Engine, onSetBack: () => void) {
    this.#engine = engine
    this.#onSetBack = onSetBack
  }

  /** Begins to watch. The clock may have been set back since the part ran last. */
  async start(): Promise<void> {
    await this.#replan()
    this.#latest = this.#engine.clock.now()
    this.#timer = setInterval(() => {
      if (this.#engine.clock.now() < this.#latest) this.#onSetBack()
    }, interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Looks now. */
  async look(): Promise<void> {
    const now = this.#engine.clock.now()
    if (now < this.#latest) await this.#replan()
    this.#latest = now
  }

  async #replan(): Promise<void> {
    const { clock, database } = this.#engine
    const now = clock.now()
    if (database.get(selectTickedInFuture, [now]) === undefined) return
    await database.write((tx) => {
      for (const { name, schedule, time_zone } of tx.all<RecurringRow>(selectTickedInFuture, [now]))
        tx.run(setPlan, [now, readSchedule(schedule, time_zone).next(now) ?? null, name])
      tx.touch(recurringTopic)
    })
  }
}
