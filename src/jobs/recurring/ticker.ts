import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommitNotice } from '../../database/index.ts'
import { recurringTopic, type Engine, type Loop } from '../engine.ts'
import { writeCode } from './code.ts'
import type { RecurringDefinitions } from './recurring-definitions.ts'
import { readSchedule } from './schedule.ts'
import type { RecurringRow } from './settings.ts'
import { selectDueRecurring, selectNextTick, selectTickedInFuture, setPlan } from './sql.ts'
import { tick } from './tick.ts'

/** How many recurring jobs are ticked together. */
const mostAtOnce = 100
/** How often the clock is looked at, to notice that it was set back, in milliseconds. */
const clockInterval = 60_000
/** How long after a commit of another process it is looked what is due, in milliseconds. */
const longestNotice = 50
const firstPause = 100
const longestPause = 5_000

/**
 * Ticks the recurring jobs: one timer, set for the next tick. Every process that works on jobs has a ticker; which of them does a tick
 * is decided by who writes first.
 *
 * A process ticks what it knows: recurring jobs of its own code, and those made at run time whose job it has.
 */
export class Ticker implements Loop {
  readonly #engine: Engine
  readonly #definitions: RecurringDefinitions
  #enter: ReturnType<typeof AsyncLocalStorage.snapshot> = (work, ...parameters) => work(...parameters)
  #isRunning = false
  #unsubscribe: (() => void) | undefined
  #disarm: (() => void) | undefined
  #clockTimer: NodeJS.Timeout | undefined
  #noticeTimer: NodeJS.Timeout | undefined
  #latest = 0
  #stopping = new AbortController()
  #ticking: Promise<void> | undefined
  #mustLookAgain = false

  constructor(engine: Engine, definitions: RecurringDefinitions) {
    this.#engine = engine
    this.#definitions = definitions
  }

  async start(): Promise<void> {
    const { clock, database } = this.#engine
    this.#enter = AsyncLocalStorage.snapshot()
    await this.#replan()
    let written: number
    do {
      written = this.#definitions.size
      await writeCode(this.#engine, this.#definitions.values())
      // More may have been defined meanwhile.
    } while (written !== this.#definitions.size)
    this.#latest = clock.now()
    this.#isRunning = true
    this.#stopping = new AbortController()
    this.#unsubscribe = database.onCommit((notice) => this.#notice(notice), [recurringTopic])
    this.#clockTimer = setInterval(() => this.#lookAtClock(), clockInterval).unref()
    this.look()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    this.#stopping.abort()
    this.#unsubscribe?.()
    this.#disarm?.()
    clearInterval(this.#clockTimer)
    clearTimeout(this.#noticeTimer)
    this.#noticeTimer = undefined
    await this.#ticking
  }

  /** Takes over what the code has defined since the start. */
  defined(): void {
    if (!this.#isRunning) return
    void this.#enter(async () => {
      try {
        await writeCode(this.#engine, this.#definitions.values())
      } catch (error) {
        this.#engine.logger.error({ error: String(error) }, 'a recurring job could not be defined')
      }
      this.look()
    })
  }

  /** Ticks what is due, and sets the timer for what is not. */
  look(): void {
    if (!this.#isRunning) return
    this.#mustLookAgain = true
    // A notice of a commit comes in the context of some write, perhaps of a transaction that has failed.
    this.#ticking ??= this.#enter(() => this.#tickAll())
  }

  /** Other processes do not say what they have changed, and may commit a thousand times a second. */
  #notice({ topics }: CommitNotice): void {
    if (topics !== undefined) this.look()
    else
      this.#noticeTimer ??= setTimeout(() => {
        this.#noticeTimer = undefined
        this.look()
      }, longestNotice).unref()
  }

  async #tickAll(): Promise<void> {
    let pause = firstPause
    while (this.#mustLookAgain && this.#isRunning) {
      this.#mustLookAgain = false
      try {
        await this.#noticeClock()
        const due = this.#due()
        // They commit as one group; one that fails does not hold up the others.
        const ticks = await Promise.allSettled(due.map((row) => tick(this.#engine, row, this.#definitions)))
        const failed = ticks.findIndex(({ status }) => status === 'rejected')
        if (failed >= 0) throw failureOf(due[failed]!, ticks[failed]!)
        if (due.length > 0) this.#mustLookAgain = true
        else if (this.#isRunning) this.#arm()
        pause = firstPause
      } catch (error) {
        this.#engine.logger.warn({ error: String(error) }, 'a tick failed and is tried again')
        await sleep(pause, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => {})
        pause = Math.min(pause * 2, longestPause)
        this.#mustLookAgain = true
      }
    }
    this.#ticking = undefined
  }

  #due(): RecurringRow[] {
    const { database, clock } = this.#engine
    return database.all<RecurringRow>(selectDueRecurring, {
      ...this.#known,
      now: clock.now(),
      limit: mostAtOnce,
    })
  }

  #arm(): void {
    const { database, clock } = this.#engine
    this.#disarm?.()
    const next = database.get<{ next_at: number }>(selectNextTick, this.#known)
    this.#disarm = next && clock.setTimer(() => this.look(), next.next_at)
  }

  /** The jobs and the recurring jobs of this process, as JSON. */
  get #known(): { jobs: string; names: string } {
    return {
      jobs: JSON.stringify([...this.#engine.definitions.keys()]),
      names: JSON.stringify([...this.#definitions.keys()]),
    }
  }

  #lookAtClock(): void {
    if (this.#engine.clock.now() < this.#latest) this.look()
  }

  async #noticeClock(): Promise<void> {
    const now = this.#engine.clock.now()
    if (now < this.#latest) await this.#replan()
    this.#latest = now
  }

  /** What was ticked at a time that now is in the future goes on from now, because the clock was set back. */
  async #replan(): Promise<void> {
    const { clock, database } = this.#engine
    const now = clock.now()
    const affected = database.all<RecurringRow>(selectTickedInFuture, [now])
    if (affected.length === 0) return
    await database.write((tx) => {
      for (const { name, schedule, time_zone } of tx.all<RecurringRow>(selectTickedInFuture, [now]))
        tx.run(setPlan, [now, readSchedule(schedule, time_zone).next(now) ?? null, name])
      tx.touch(recurringTopic)
    })
  }
}

function failureOf({ name }: RecurringRow, tick: PromiseSettledResult<void>): Error {
  return new Error(`"${name}": ${String((tick as PromiseRejectedResult).reason)}`)
}
