import { setTimeout as sleep } from 'node:timers/promises'
import { waitUntil } from './wait-until.ts'

/** A transaction that was acknowledged. Times in milliseconds since 1970. */
export interface Commit {
  writer: string
  number: number
  /** Of its last entry: its place among all transactions. */
  id: number
  /** Its request was sent: it was not committed before. */
  sentAt: number
  /** Its answer came: it was not committed after. */
  at: number
}

/** How the load is made. */
export interface LedgerLoadOptions {
  /** Requests at the same time. Default: 4 */
  writers?: number
  /** Milliseconds between an answer and the next request of the same writer. Default: 5 */
  pause?: number
}

/**
 * Sends transactions to the app of `crash/backup-app.ts` until it is ended, and keeps on record, outside of the app, which of them were
 * acknowledged, and when. While nobody answers it tries again, with other transactions.
 */
export class LedgerLoad implements AsyncDisposable {
  readonly commits: Commit[] = []
  /** Requests that were not answered; whether they were committed nobody knows. */
  failures = 0
  /** Where the app is; another one after it was started again. */
  address: string
  readonly #pause: number
  #isEnded = false
  #isPaused = false
  readonly #done: Promise<unknown>

  /** @param name Different for each load on the same database. */
  constructor(address: string, name: string, { writers = 4, pause = 5 }: LedgerLoadOptions = {}) {
    this.address = address
    this.#pause = pause
    const names = Array.from({ length: writers }, (_, count) => `${name} ${count}`)
    this.#done = Promise.all(names.map((writer) => this.#write(writer)))
  }

  /** Until so many more were acknowledged. */
  async untilMore(count: number): Promise<void> {
    const enough = this.commits.length + count
    await waitUntil(`${count} more writes`, () => this.commits.length >= enough, 60_000)
  }

  /** Nothing is sent until `resume`; what is on its way may still be answered. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
  }

  async end(): Promise<void> {
    this.#isEnded = true
    await this.#done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #write(writer: string): Promise<void> {
    for (let number = 1; !this.#isEnded; number++) {
      if (!this.#isPaused) await this.#enter(writer, number)
      await sleep(this.#pause)
    }
  }

  async #enter(writer: string, number: number): Promise<void> {
    const sentAt = Date.now()
    try {
      const signal = AbortSignal.timeout(10_000)
      const response = await fetch(`${this.address}/${encodeURIComponent(writer)}/${number}`, { signal })
      const answer: unknown = await response.json()
      if (typeof answer !== 'number') throw new Error(`Expected the id of an entry, got ${String(answer)}`)
      this.commits.push({ writer, number, id: answer, sentAt, at: Date.now() })
    } catch {
      this.failures++
    }
  }
}
