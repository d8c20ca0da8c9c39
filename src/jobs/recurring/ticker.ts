import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CommitNotice } from '../../database/index.ts'
import { recurringTopic, type Engine, type Loop } from '../engine.ts'
import { writeCode } from './code.ts'
import type { RecurringDefinitions } from './recurring-definitions.ts'
import { SetBackClock } from './set-back-clock.ts'
import type { RecurringRow } from './settings.ts'
import { selectDueRecurring, selectNextTick } from './sql.ts'
import { tick } from './tick.ts'

/** How many recurring jobs are ticked together. */
const mostAtOnce = 100
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
  readonly #clock: SetBackClock
  #enter: ReturnType<typeof AsyncLocalStorage.snapshot> = (work, ...parameters) => work(...parameters)
  #isRunning = false
  #unsubscribe: (() => void) | undefined
  #disarm: (() => void) | undefined
  #noticeTimer: NodeJS.Timeout | undefined
  #stopping = new AbortController()
  #ticking: Promise<void> | undefined
  #mustLookAgain = false

  constructor(engine: Engine, definitions: RecurringDefinitions) {
    this.#engine = engine
    this.#definitions = definitions
    this.#clock = new SetBackClock(engine, () => this.look())
  }

  async start(): Promise<void> {
    this.#enter = AsyncLocalStorage.snapshot()
    await this.#clock.start()
    try {
      await this.#writeAll()
    } catch (error) {
      this.#clock.stop()
      throw error
    }
    this.#isRunning = true
    this.#stopping = new AbortController()
    this.#unsubscribe = this.#engine.database.onCommit((notice) => this.#notice(notice), [recurringTopic])
    this.look()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    this.#stopping.abort()
    this.#unsubscribe?.()
    this.#disarm?.()
    this.#clock.stop()
    clearTimeout(this.#noticeTimer)
    this.#noticeTimer = undefined
    await this.#ticking
  }

  /** Writes what the code defines, also what it defines meanwhile. */
  async #writeAll(): Promise<void> {
    let written: number
    do {
      written = this.#definitions.size
      await writeCode(this.#engine, this.#definitions.values())
    } while (written !== this.#definitions.size)
  }

  /** Takes over what the code has defined since the start. */
  defined(): void {
    if (!this.#isRunning) return
    void this.#enter(async () => {
      try {
        await this.#writeAll()
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
        await this.#clock.look()
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
}

function failureOf({ name }: RecurringRow, tick: PromiseSettledResult<void>): Error {
  return new Error(`"${name}": ${String((tick as PromiseRejectedResult).reason)}`)
}
