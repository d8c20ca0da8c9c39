import { AsyncResource } from 'node:async_hooks'
import { OptionsError } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { readDataVersion } from '../sql.ts'
import type { Space } from '../spaces/space.ts'
import { isBug } from '../faults/errors.ts'
import type { PutAway } from '../faults/faults.ts'
import { applyOperation } from './apply.ts'
import { BatchState } from './batch-state.ts'
import { bytesOf, type Operation } from './operation.ts'

/** How much one transaction takes on. */
const mostOperations = 2_000
const mostBytes = 4 * 1_024 ** 2

/** What others may wait for: the end of a lease, and any other work. Sets and deletes wake nobody. */
export const workTopic = 'handcar.cache.work'

/** What a caller says of a write; the rest is added here. */
type Draft<Kind> = Kind extends Operation ? Omit<Kind, 'result' | 'resolve' | 'reject' | 'promise'> : never

/**
 * The writes of one turn of the event loop are one transaction. Each caller hears of its own write when that is committed; until then
 * this process already sees it, and the others do not.
 *
 * After a crash: what was not committed is gone, as anything may be in a cache.
 */
export class Writes {
  readonly #engine: Engine
  /** Transactions begin outside of any other one that the caller may be in. */
  readonly #outside = new AsyncResource('handcar.cache')
  #queue: Operation[] = []
  #isScheduled = false
  /** What others had committed at the last transaction. */
  #knownVersion = Number.NaN
  /** The same for other caches of this process on the same database. */
  #knownEpoch = 0
  /** Whether there was no lease then. */
  #hasNoLeases = false
  readonly #running = new Set<Promise<void>>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Adds a write to the next transaction. Resolves when it is committed, or with `otherwise` when it cannot be. */
  push(draft: Draft<Operation>): Operation {
    const operation = draft as Operation
    operation.promise = new Promise<unknown>((resolve, reject) => {
      operation.resolve = resolve
      operation.reject = reject
    })
    this.#queue.push(operation)
    if (!this.#isScheduled) this.#schedule()
    return operation
  }

  /** Does something in the next transaction. */
  work<Result>(work: (tx: Transaction) => Result, otherwise: Result): Promise<Result> {
    return this.push({ type: 'work', work, otherwise }).promise as Promise<Result>
  }

  /** Resolves when everything that was pushed is committed. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #schedule(): void {
    this.#isScheduled = true
    let taken: Operation[] = []
    let putAway: PutAway | undefined
    const written = this.#outside.runInAsyncScope(() =>
      this.#engine.database.write((tx) => {
        this.#isScheduled = false
        taken = this.#take()
        if (this.#queue.length > 0) this.#schedule()
        putAway = this.#engine.faults.putAway(tx)
        this.#apply(tx, taken, putAway?.entries ?? 0)
      }),
    )
    const done = written.then(
      () => {
        putAway?.end(true)
        this.#succeed(taken)
      },
      (error: unknown) => {
        putAway?.end(false)
        if (taken.length === 0) {
          this.#isScheduled = false
          taken = this.#queue
          this.#queue = []
        }
        this.#fail(taken, error)
      },
    )
    this.#running.add(done)
    void done.finally(() => this.#running.delete(done))
  }

  #take(): Operation[] {
    let bytes = 0
    let count = 0
    const limit = Math.min(mostBytes, this.#engine.maxBytes / 32)
    for (const operation of this.#queue) {
      bytes += bytesOf(operation)
      if (count > 0 && (count === mostOperations || bytes > limit)) break
      count++
    }
    if (count === this.#queue.length) {
      const all = this.#queue
      this.#queue = []
      return all
    }
    return this.#queue.splice(0, count)
  }

  #apply(tx: Transaction, operations: Operation[], putAway: number): void {
    const { bound, spaces, changes } = this.#engine
    const { data_version: version } = tx.get<{ data_version: number }>(readDataVersion)!
    // Others may have cleared a space.
    const isUnchanged = version === this.#knownVersion && changes.epoch === this.#knownEpoch
    if (!isUnchanged) spaces.doubt()
    this.#knownVersion = version
    this.#knownEpoch = changes.epoch
    const state = new BatchState(tx, isUnchanged && this.#hasNoLeases ? false : undefined)
    let bytes = 0
    for (const operation of operations) bytes += bytesOf(operation)
    if (bytes > 0) bound.makeRoom(tx, bytes)
    for (const operation of operations) {
      try {
        operation.result = applyOperation(this.#engine, state, operation)
      } catch (error) {
        // What the caller did wrong is the caller's; anything else ends the transaction.
        if (error instanceof OptionsError) operation.refusal = error
        else {
          operation.culprit = error
          throw error
        }
      }
    }
    bound.keep(tx, bytes, state.added - putAway)
    if (state.mustWake) tx.touch(workTopic)
    // Other work may have taken one; while nobody does there is nothing to ask.
    this.#hasNoLeases = !operations.some(({ type }) => type === 'work') && !state.hasLeases
  }

  #succeed(operations: Operation[]): void {
    const { bound, changes, clock, memory, sweeper } = this.#engine
    changes.committed()
    const gone = bound.takeGone()
    memory?.gone(gone)
    if (bound.pages.areMuchFree) sweeper.expect(clock.now())
    for (const operation of operations) {
      forget(operation)
      memory?.replaced(operation)
      if (operation.type === 'set') sweeper.expect(operation.entry.staleUntil)
      else if (operation.type === 'increment' || operation.type === 'touch')
        sweeper.expect(operation.expiresAt)
      if (operation.refusal === undefined) operation.resolve(operation.result)
      else operation.reject(operation.refusal)
    }
  }

  #fail(operations: Operation[], error: unknown): void {
    this.#engine.faults.report('write', error)
    if (isBug(error)) return this.#reject(operations, error)
    // What was written down with these writes is not.
    this.#engine.spaces.forget()
    for (const operation of operations) {
      forget(operation)
      this.#engine.memory?.replaced(operation)
      if (operation.type === 'set') this.#engine.faults.lose(operation.entry.id)
      else if (operation.type !== 'work') this.#engine.faults.lose(operation.id)
      operation.resolve(operation.otherwise)
    }
  }

  /** A mistake in the code is not a miss: the write that has met it is told, and those that were with it are tried again. */
  #reject(operations: Operation[], error: unknown): void {
    this.#engine.spaces.forget()
    const culprits = operations.filter(({ culprit }) => culprit !== undefined)
    for (const operation of culprits.length > 0 ? culprits : operations) {
      forget(operation)
      operation.reject(error as Error)
    }
    const others = operations.filter(({ culprit }) => culprit === undefined)
    if (culprits.length === 0 || others.length === 0) return
    for (const operation of others) delete operation.refusal
    this.#queue = [...others, ...this.#queue]
    if (!this.#isScheduled) this.#schedule()
  }
}

/** The file says now what the write said. */
function forget(operation: Operation): void {
  if (operation.type === 'work') return
  const space: Space = operation.type === 'set' ? operation.entry.space : operation.space
  const key = operation.type === 'set' ? operation.entry.key : operation.key
  if (space.pending.get(key) === operation) space.pending.delete(key)
}
