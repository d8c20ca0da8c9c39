import type { AsyncResource } from 'node:async_hooks'
import type { Transaction } from './transaction.ts'

/** How sure a write is when its promise resolves: it survives a power cut (`disk`), or only the end of the process (`os`). */
export type Durability = 'disk' | 'os'

/** A write that waits for its turn, or runs. */
export interface QueuedWrite {
  readonly body: (tx: Transaction) => unknown
  readonly label: string
  /** Where the call was made; kept for asynchronous bodies only, because it is not free. */
  readonly callSite: Error | undefined
  readonly durability: Durability
  /** `performance.now()` of the call. */
  readonly queuedAt: number
  /** `performance.now()` after which waiting for the lock is given up. */
  readonly deadline: number
  /** Runs the body in the asynchronous context of its caller. */
  readonly context: AsyncResource
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  /** Until it is taken, cancelled, or its deadline has passed. */
  isWaiting: boolean
}

/** First in, first out. Writes that were answered while they waited are passed over; one that was taken cannot be dropped. */
export class WriteQueue {
  #writes: QueuedWrite[] = []
  #head = 0
  #waiting = 0

  /** How many writes wait. */
  get length(): number {
    return this.#waiting
  }

  push(write: QueuedWrite): void {
    this.#writes.push(write)
    this.#waiting++
  }

  /** The write that has waited longest, without taking it. */
  peek(): QueuedWrite | undefined {
    while (this.#writes[this.#head]?.isWaiting === false) this.#head++
    return this.#writes[this.#head]
  }

  /** Takes the write that has waited longest. */
  shift(): QueuedWrite | undefined {
    const write = this.peek()
    if (write === undefined) return undefined
    write.isWaiting = false
    this.#head++
    this.#waiting--
    if (this.#head > 1_024 && this.#head * 2 > this.#writes.length) this.#compact()
    return write
  }

  /** Answers a waiting write with an error, now. */
  drop(write: QueuedWrite, error: unknown): void {
    if (!write.isWaiting) return
    write.isWaiting = false
    this.#waiting--
    write.reject(error)
  }

  /** Answers every waiting write that `isOver` with the error that `errorFor` makes. */
  dropWhere(isOver: (write: QueuedWrite) => boolean, errorFor: (write: QueuedWrite) => unknown): void {
    for (let index = this.#head; index < this.#writes.length; index++) {
      const write = this.#writes[index]!
      if (write.isWaiting && isOver(write)) this.drop(write, errorFor(write))
    }
    if (this.#waiting === 0) this.#compact()
  }

  /** Answers every waiting write with an error. */
  dropAll(error: unknown): void {
    this.dropWhere(
      () => true,
      () => error,
    )
  }

  #compact(): void {
    this.#writes = this.#writes.slice(this.#head).filter((write) => write.isWaiting)
    this.#head = 0
  }
}
