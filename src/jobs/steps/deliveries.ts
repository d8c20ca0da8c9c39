import type { Engine, Loop } from '../engine.ts'
import { deliver, eventsTopic, type EmittedEvent } from './emit.ts'
import { selectUndelivered, setDelivering } from './sql.ts'

const firstPause = 100
const longestPause = 5_000

/**
 * Delivers events that more jobs wait for than one write should touch: slice by slice, in the order in which they were emitted.
 *
 * After a crash: the row of the event says that it is not delivered, and whoever works next goes on.
 */
export class Deliveries implements Loop {
  readonly #engine: Engine
  #unsubscribe: (() => void) | undefined
  #delivering: Promise<void> | undefined
  #isStopped = false
  #wakeUp: (() => void) | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  start(): void {
    this.#isStopped = false
    this.#unsubscribe = this.#engine.database.onCommit(() => this.#look(), [eventsTopic])
    this.#look()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#unsubscribe?.()
    this.#wakeUp?.()
    await this.#delivering
  }

  #look(): void {
    if (this.#delivering !== undefined || this.#isStopped) return
    if (this.#engine.database.get(selectUndelivered) === undefined) return
    this.#delivering = this.#deliverAll().finally(() => {
      this.#delivering = undefined
      // One may have come in the very commit that found no more.
      this.#look()
    })
  }

  async #deliverAll(): Promise<void> {
    let pause = firstPause
    while (!this.#isStopped) {
      try {
        if (!(await this.#deliverSlice())) return
        pause = firstPause
      } catch (error) {
        this.#engine.logger.warn(
          { error: String(error) },
          'the delivery of an event failed and is tried again',
        )
        await this.#wait(pause)
        pause = Math.min(pause * 2, longestPause)
      }
    }
  }

  /** Returns whether there may be more. */
  #deliverSlice(): Promise<boolean> {
    const { clock, database } = this.#engine
    return database.write(
      (tx) => {
        const event = tx.get<EmittedEvent>(selectUndelivered)
        if (event === undefined) return false
        if (!deliver(tx, event, clock.now())) tx.run(setDelivering, [0, event.id])
        return true
      },
      { label: 'handcar.jobs.deliver' },
    )
  }

  async #wait(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
