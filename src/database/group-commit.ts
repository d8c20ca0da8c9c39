import { isPromise, TransactionScopeError } from '../core/index.ts'
import type { Connection } from './connection.ts'
import { Transaction, type TransactionContext } from './transaction.ts'
import { withinTurn } from './turn.ts'
import type { QueuedWrite, WriteQueue } from './write-queue.ts'

/** How much one batch may take on. */
export interface BatchLimits {
  /** Bodies. */
  writes: number
  /** Milliseconds, after which no further body begins. */
  duration: number
}

/** What a batch came to. */
export interface Batch {
  /** Bodies that were committed, with what they returned. */
  committed: { write: QueuedWrite; value: unknown }[]
  /** What the bodies named with `touch`. */
  topics: Set<string>
  failed: number
}

/**
 * Group commit: runs what is queued now inside one transaction, which the caller has begun, and commits it.
 *
 * Every body but the first runs in a savepoint, so one that throws takes only itself back. The first needs none: until
 * it has succeeded the transaction is empty, so its failure rolls the whole back (a savepoint makes a large body 1.8
 * times slower) and the batch ends there.
 *
 * After a crash: nothing of an uncommitted batch is in the database and none of its promises was resolved. After an
 * error that makes SQLite end the transaction itself (a full disk, `on conflict rollback`) every body of the batch is
 * answered with an error, because none was kept.
 */
export async function commitBatch(
  connection: Connection,
  context: TransactionContext,
  queue: WriteQueue,
  limits: BatchLimits,
): Promise<Batch> {
  const batch: Batch = { committed: [], topics: new Set(), failed: 0 }
  try {
    await runBodies(connection, context, queue, limits, batch)
    connection.control(batch.committed.length === 0 ? 'rollback' : 'commit')
  } catch (error) {
    if (connection.inTransaction) connection.control('rollback')
    loseBatch(batch, error)
  }
  return batch
}

async function runBodies(
  connection: Connection,
  context: TransactionContext,
  queue: WriteQueue,
  limits: BatchLimits,
  batch: Batch,
): Promise<void> {
  const endAt = performance.now() + limits.duration
  let taken = 0
  do {
    const write = queue.shift()
    if (write === undefined) return
    taken++
    const isFirst = batch.committed.length === 0
    const failure = await runBody(new Transaction(connection, context), write, batch, isFirst)
    if (failure === undefined) continue
    batch.failed++
    if (!connection.inTransaction) throw failure.error
    if (isFirst) return
  } while (taken < limits.writes && performance.now() < endAt)
}

/** Runs one body to its end; `undefined` when its changes are part of the transaction. */
async function runBody(
  tx: Transaction,
  write: QueuedWrite,
  batch: Batch,
  isFirst: boolean,
): Promise<{ error: unknown } | undefined> {
  const { connection } = tx
  try {
    if (!isFirst) connection.control('savepoint handcar')
    let value = write.context.runInAsyncScope(enter, undefined, tx, write.body)
    if (isPromise(value)) value = await withinTurn(value, originOf(write))
    tx.assertUsable()
    if (!isFirst) connection.control('release handcar')
    tx.end('committed')
    for (const topic of tx.topics) batch.topics.add(topic)
    batch.committed.push({ write, value })
    return undefined
  } catch (error) {
    tx.end('rolled back')
    write.reject(error)
    if (!isFirst && connection.inTransaction) {
      connection.control('rollback to handcar')
      connection.control('release handcar')
    }
    return { error }
  }
}

function enter(tx: Transaction, body: (tx: Transaction) => unknown): unknown {
  return tx.context.run(tx, body, tx)
}

/** Answers the bodies that had succeeded in a transaction that was then lost; one that was alone gets SQLite's own error. */
function loseBatch(batch: Batch, cause: unknown): void {
  const wasAlone = batch.committed.length + batch.failed === 1
  const message = `The transaction was rolled back because its batch could not be committed: ${String(cause)}`
  for (const { write } of batch.committed) {
    write.reject(
      wasAlone ? cause : new TransactionScopeError('HANDCAR_TRANSACTION_ROLLED_BACK', message, { cause }),
    )
  }
  batch.failed += batch.committed.length
  batch.committed = []
  batch.topics.clear()
}

function originOf(write: QueuedWrite): string {
  const frame = write.callSite?.stack?.split('\n').find((line) => line.startsWith('    at '))
  return frame ? `${write.label}, called ${frame.trim()}` : write.label
}
