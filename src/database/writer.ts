import { AsyncResource } from 'node:async_hooks'
import { BusyError, Histogram, StateError, type HistogramSummary } from '../core/index.ts'
import type { Connection } from './connection.ts'
import { busyEvent, commitEvent, waitEvent } from './events.ts'
import { commitBatch, type Batch } from './group-commit.ts'
import type { LeaseClient } from './lease-client.ts'
import { describeHolders, lockHolders, type LockHolder } from './lock-holders.ts'
import { selectDeferredKeys } from './sql.ts'
import type { Transaction, TransactionContext } from './transaction.ts'
import { afterPromises, nextTurn, settledWithin } from './turn.ts'
import type { WalSync } from './wal-sync.ts'
import { WriteLock } from './write-lock.ts'
import { WriteQueue, type Durability, type QueuedWrite } from './write-queue.ts'

/** How long writes that follow from one another go on in one turn of the event loop, in milliseconds. */
const longestChain = 1
/** How often waiting writes are looked through for a deadline that has passed, in milliseconds. */
const expiryInterval = 10

/** How one write wants to be treated, resolved. */
export interface WriteRequest {
  label: string
  callSite: Error | undefined
  durability: Durability
  timeout: number
  signal: AbortSignal | undefined
}

/** What the writer has done since the start. */
export interface WriterStats {
  /** Writes that wait now. */
  queued: number
  /** Bodies committed. */
  committed: number
  /** Bodies that failed. */
  failed: number
  /** Transactions committed; fewer than bodies, because bodies that wait together commit together. */
  batches: number
  /** Milliseconds from the call to the begin of the transaction. */
  wait: HistogramSummary
  /** Milliseconds for which the write lock was held. */
  hold: HistogramSummary
  /** Bodies per committed transaction. */
  writesPerBatch: HistogramSummary
  /** Milliseconds of the syncs to disk. */
  sync: HistogramSummary
}

/** What the writer is made of. */
export interface WriterOptions {
  path: string
  connection: Connection
  context: TransactionContext
  lease: LeaseClient
  sync: WalSync
  maxBatch: number
  maxBatchDuration: number
  maxQueued: number
  /** Called after each commit, before it is on disk, with the topics that its bodies touched. */
  onCommit: (topics: ReadonlySet<string>) => void
}

/**
 * The write path of one process:
 *
 *     write() ─► FIFO queue ─► lease ─► BEGIN IMMEDIATE ─► bodies ─► COMMIT ─► fdatasync ─► resolve
 *
 * Writes that are called within one turn of the event loop, or while the lock is waited for, commit together. The next
 * batch begins while the disk still syncs the last one, and where nobody waits for a disk, what follows from a batch commits
 * without another turn of the event loop, for a millisecond.
 *
 * After a crash: what was resolved with durability `disk` is on disk; what was not resolved may or may not be there,
 * whole or not at all.
 */
export class Writer {
  readonly #options: WriterOptions
  readonly #queue = new WriteQueue()
  readonly #lock: WriteLock
  readonly #waits = new Histogram()
  readonly #holds = new Histogram()
  readonly #sizes = new Histogram(1)
  readonly #acknowledging = new Set<Promise<void>>()
  #queuedEver = 0
  #committed = 0
  #failed = 0
  #batches = 0
  #maxBatch: number
  #draining: Promise<void> | undefined
  #expiredAt = 0
  #isClosing = false

  constructor(options: WriterOptions) {
    this.#options = options
    this.#maxBatch = options.maxBatch
    this.#lock = new WriteLock(options.connection, options.lease)
    this.#readDeferredKeys()
  }

  /** Queues a body and resolves with what it returns, once it is committed and as durable as was asked. */
  write(body: (tx: Transaction) => unknown, request: WriteRequest): Promise<unknown> {
    const { label, callSite, durability, timeout, signal } = request
    if (this.#isClosing) return Promise.reject(stopped('The database is stopping and takes no more writes'))
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#queue.length >= this.#options.maxQueued) return Promise.reject(this.#queueFull())
    return new Promise((resolve, reject) => {
      const queuedAt = performance.now()
      const context = new AsyncResource('handcar.write')
      const deadline = queuedAt + timeout
      const write: QueuedWrite = {
        body,
        label,
        callSite,
        durability,
        queuedAt,
        deadline,
        context,
        resolve,
        reject,
        isWaiting: true,
      }
      this.#queue.push(write)
      this.#queuedEver++
      if (signal) this.#cancelWith(signal, write)
      this.#draining ??= this.#drain()
    })
  }

  /** How many writes were queued since the start. */
  get queuedEver(): number {
    return this.#queuedEver
  }

  /** Resolves when nothing waits any more, or after `timeout` milliseconds; answers what is left with an error. */
  async close(timeout: number): Promise<void> {
    this.#isClosing = true
    await settledWithin(this.#draining, timeout)
    this.#queue.dropAll(stopped('The database was stopped while this write waited'))
    await this.#draining
    await Promise.all(this.#acknowledging)
  }

  /** Counters and histograms since the start. */
  stats(): WriterStats {
    return {
      queued: this.#queue.length,
      committed: this.#committed,
      failed: this.#failed,
      batches: this.#batches,
      wait: this.#waits.summary(),
      hold: this.#holds.summary(),
      writesPerBatch: this.#sizes.summary(),
      sync: this.#options.sync.durations.summary(),
    }
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      await nextTurn()
      const endAt = performance.now() + longestChain
      do {
        try {
          if (await this.#lock.acquire(() => this.#goOnWaiting())) await this.#commitBatch()
        } catch (error) {
          this.#queue.dropAll(error)
        }
        // Whoever was told of a write may have called the next one by then.
        await afterPromises()
      } while (this.#queue.length > 0 && performance.now() < endAt)
    }
    this.#draining = undefined
  }

  async #commitBatch(): Promise<void> {
    const { connection, context, sync, path } = this.#options
    if (sync.failure) this.#queue.dropAll(sync.failure)
    const beganAt = performance.now()
    const limits = { writes: this.#maxBatch, duration: this.#options.maxBatchDuration }
    let batch: Batch
    let held: number
    try {
      batch = await commitBatch(connection, context, this.#queue, limits)
    } finally {
      if (connection.inTransaction) connection.control('rollback')
      held = this.#lock.released()
    }
    this.#record(batch, beganAt, held)
    if (batch.committed.length === 0) return this.#readDeferredKeys()
    this.#options.onCommit(batch.topics)
    if (commitEvent.hasSubscribers) {
      commitEvent.publish({
        path,
        writes: batch.committed.length,
        held,
        labels: batch.committed.map(({ write }) => write.label),
      })
    }
    this.#acknowledge(batch)
  }

  /** Resolves the writes of a batch: at once, or when the disk has them. */
  #acknowledge({ committed }: Batch): void {
    const needDisk = committed.filter(({ write }) => write.durability === 'disk')
    for (const { write, value } of committed) if (write.durability === 'os') write.resolve(value)
    if (needDisk.length === 0) return this.#options.sync.verify()
    const acknowledged = this.#options.sync.synced().then(
      () => needDisk.forEach(({ write, value }) => write.resolve(value)),
      (error: unknown) => needDisk.forEach(({ write }) => write.reject(error)),
    )
    this.#acknowledging.add(acknowledged)
    void acknowledged.finally(() => this.#acknowledging.delete(acknowledged))
  }

  #record(batch: Batch, beganAt: number, held: number): void {
    this.#failed += batch.failed
    if (batch.committed.length === 0) return
    this.#committed += batch.committed.length
    this.#batches++
    this.#holds.record(held)
    this.#sizes.record(batch.committed.length)
    for (const { write } of batch.committed) {
      const waited = Math.max(0, beganAt - write.queuedAt)
      this.#waits.record(waited)
      if (waitEvent.hasSubscribers)
        waitEvent.publish({ path: this.#options.path, label: write.label, waited })
    }
  }

  /** Called between two tries for the lock: drops writes whose deadline has passed; `false` when none is left. */
  #goOnWaiting(): boolean {
    const now = performance.now()
    const first = this.#queue.peek()
    if (first === undefined) return false
    if (now - this.#expiredAt < expiryInterval) return true
    this.#expiredAt = now
    const { path } = this.#options
    if (busyEvent.hasSubscribers) busyEvent.publish({ path, waited: now - first.queuedAt })
    let holders: LockHolder[] | undefined
    this.#queue.dropWhere(
      (write) => write.deadline <= now,
      (write) => busyError(path, now - write.queuedAt, (holders ??= lockHolders(path).writers)),
    )
    return this.#queue.length > 0
  }

  #cancelWith(signal: AbortSignal, write: QueuedWrite): void {
    const cancel = (): void => this.#queue.drop(write, signal.reason)
    signal.addEventListener('abort', cancel, { once: true })
    const { resolve, reject } = write
    write.resolve = (value) => {
      signal.removeEventListener('abort', cancel)
      resolve(value)
    }
    write.reject = (error) => {
      signal.removeEventListener('abort', cancel)
      reject(error)
    }
  }

  /**
   * A foreign key that is checked at COMMIT would fail a whole batch for one body's mistake, so where the schema has one,
   * each body commits alone.
   */
  #readDeferredKeys(): void {
    const { connection, maxBatch } = this.#options
    const deferred = connection.get(selectDeferredKeys, [])
    this.#maxBatch = deferred ? 1 : maxBatch
  }

  #queueFull(): BusyError {
    const { maxQueued, path } = this.#options
    return new BusyError('HANDCAR_WRITE_QUEUE_FULL', `${maxQueued} writes to ${path} are waiting already`)
  }
}

function stopped(message: string): StateError {
  return new StateError('HANDCAR_STOPPED', message)
}

function busyError(path: string, waited: number, holders: LockHolder[]): BusyError {
  const by = holders.length > 0 ? `; the write lock is held by ${describeHolders(holders)}` : ''
  const message = `A write to ${path} waited ${Math.round(waited)} ms for the write lock and gave up${by}`
  return new BusyError('HANDCAR_DATABASE_BUSY', message, { details: { waited, holders } })
}
