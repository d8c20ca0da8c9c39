import type { SqlParameter, Transaction } from '../../database/index.ts'
import { assertOpen } from '../batches/assert-open.ts'
import { jobsTopic } from '../engine.ts'
import { enqueueEvent } from '../events.ts'
import { insertJob, insertManyJobs, insertManyPayloads, insertSomePayloads } from '../sql.ts'
import { FairTurns } from './fair-turns.ts'
import { payloadsAtOnce, pushValues, rowsAtOnce, valuesOf, type JobRow } from './job-row.ts'
import { insertUnique } from './unique-insertion.ts'

/** What an enqueue has come to: the id of the job, or of the one that has its unique key. */
export interface Enqueued {
  readonly id: number
  readonly wasEnqueued: boolean
}

/** Inserts prepared jobs inside a transaction. */
export type Insertion = (tx: Transaction) => Enqueued[]

/**
 * Inserts one job.
 *
 * @throws StateError `HANDCAR_BATCH_CLOSED`
 */
export function insert(tx: Transaction, row: JobRow): Enqueued {
  if (row.batch_id !== null) assertOpen(tx, row.batch_id)
  return insertRow(tx, row)
}

/** Inserts one job, into whatever batch. */
export function insertRow(tx: Transaction, row: JobRow): Enqueued {
  if (row.fair_key !== null) new FairTurns(tx).give(row)
  tx.touch(jobsTopic)
  const enqueued = row.unique_key === null ? insertPlain(tx, row) : insertUnique(tx, row)
  publish(enqueued, row)
  return enqueued
}

function insertPlain(tx: Transaction, row: JobRow): Enqueued {
  return { id: Number(tx.run(insertJob, valuesOf(row)).lastInsertRowid), wasEnqueued: true }
}

/** Inserts any number of jobs. Returns what became of each, in their order. */
export function insertAll(tx: Transaction, rows: readonly JobRow[]): Enqueued[] {
  if (rows.length === 0) return []
  for (const batch of new Set(rows.map((row) => row.batch_id))) if (batch !== null) assertOpen(tx, batch)
  tx.touch(jobsTopic)
  const turns = new FairTurns(tx)
  for (const row of rows) if (row.fair_key !== null && row.state === 'available') turns.give(row)
  const enqueued: Enqueued[] = []
  for (let from = 0; from < rows.length;) {
    const row = rows[from]!
    if (row.unique_key !== null) {
      enqueued.push(insertUnique(tx, row))
      from++
      continue
    }
    const count = lengthOfRun(rows, from)
    if (count < rowsAtOnce) {
      enqueued.push(insertPlain(tx, row))
      from++
      continue
    }
    const parameters: SqlParameter[] = []
    for (let index = from; index < from + rowsAtOnce; index++) pushValues(parameters, rows[index]!)
    pushIds(enqueued, tx.run(insertManyJobs, parameters).lastInsertRowid, rowsAtOnce)
    from += rowsAtOnce
  }
  if (enqueueEvent.hasSubscribers) enqueued.forEach((each, index) => publish(each, rows[index]!))
  return enqueued
}

/** Inserts jobs that have everything in common but their payload. */
export function insertPayloads(tx: Transaction, row: JobRow, payloads: readonly string[]): Enqueued[] {
  if (row.batch_id !== null) assertOpen(tx, row.batch_id)
  tx.touch(jobsTopic)
  const common = valuesOf(row)
  common.pop()
  const enqueued: Enqueued[] = []
  for (let from = 0; from < payloads.length;) {
    const [statement, count] = largestInsert(payloads.length - from)
    const parameters = common.concat(payloads.slice(from, from + count))
    pushIds(enqueued, tx.run(statement, parameters).lastInsertRowid, count)
    from += count
  }
  if (enqueueEvent.hasSubscribers) for (const each of enqueued) publish(each, row)
  return enqueued
}

/** The statement that inserts most of so many payloads, and how many that are. */
function largestInsert(payloads: number): [statement: string, count: number] {
  if (payloads >= payloadsAtOnce) return [insertManyPayloads, payloadsAtOnce]
  if (payloads >= rowsAtOnce) return [insertSomePayloads, rowsAtOnce]
  return [insertJob, 1]
}

function publish({ id, wasEnqueued }: Enqueued, { name, queue }: JobRow): void {
  if (wasEnqueued && enqueueEvent.hasSubscribers) enqueueEvent.publish({ id, name, queue })
}

/** How many rows from here on have no unique key, as far as it matters. */
function lengthOfRun(rows: readonly JobRow[], from: number): number {
  const end = Math.min(rows.length, from + rowsAtOnce)
  let index = from
  while (index < end && rows[index]!.unique_key === null) index++
  return index - from
}

/** The rows of one statement have consecutive ids: nobody else writes meanwhile, and autoincrement counts by one. */
function pushIds(enqueued: Enqueued[], lastInsertRowid: number | bigint, count: number): void {
  const last = Number(lastInsertRowid)
  for (let id = last - count + 1; id <= last; id++) enqueued.push({ id, wasEnqueued: true })
}
