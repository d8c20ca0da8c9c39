/** In lags that are an alarm. */
const shortest = 4
const longest = 64

/**
 * How long a Litestream may make no progress before it is ended and started again. What hangs may hang for good: a 0.3 whose replica was on a
 * full disk goes on only like that (reproduced). But while a target is down it helps nothing and may cost a generation, so the patience doubles
 * each time, until all is well.
 */
export class Patience {
  readonly #lagAlarm: number
  #ended = 0

  /** @param lagAlarm A lag that is an alarm, in milliseconds. */
  constructor(lagAlarm: number) {
    this.#lagAlarm = lagAlarm
  }

  /** Milliseconds. */
  get limit(): number {
    return this.#lagAlarm * Math.min(longest, shortest * 2 ** this.#ended)
  }

  /** One was ended. */
  ended(): void {
    this.#ended++
  }

  /** All is well. */
  renew(): void {
    this.#ended = 0
  }
}
