import { option } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { insertAll, insertPayloads } from '../enqueue/insertion.ts'
import type { JobRow } from '../enqueue/job-row.ts'
import { Batch } from './batch.ts'
import { batchesOf, type Edge, type OrderedPlan } from './dependency-graph.ts'
import { BatchMember, Member, type JobMember } from './member.ts'
import { settle } from './settlement.ts'
import {
  countNested,
  insertBatch,
  insertBatchDetails,
  insertDependency,
  insertNode,
  openBatch,
} from './sql.ts'

/**
 * Inserts a batch with all that is in it. Its batches are held open until everything is there, so that none of them closes
 * before.
 */
export function insertPlan(
  engine: Engine,
  tx: Transaction,
  root: BatchMember,
  { jobs, edges }: OrderedPlan,
): void {
  const now = engine.clock.now()
  for (const batch of batchesOf(root)) insertBatchRow(tx, batch, now)
  const waiting = new Set(edges.map(({ job }) => job))
  const strangers = insertJobs(tx, jobs, waiting)
  for (const batch of batchesOf(root)) {
    for (const [name, { kind, id }] of batch.byName) tx.run(insertNode, [batch.id!, name, kind, id!])
  }
  /** What was there before, and may have ended or be gone. */
  const older = new Set<Edge['need']>()
  for (const edge of edges) {
    const { job, need } = edge
    if (strangers.has(job)) continue
    insertEdge(tx, edge)
    if (!(need instanceof Member) || strangers.has(need)) older.add(need)
  }
  for (const batch of batchesOf(root)) if (!batch.options.stayOpen) tx.run(openBatch, [batch.id!])
  settle(engine, tx, { others: [...older].map((need) => ({ kind: kindOf(need), id: need.id! })) })
}

function insertBatchRow(tx: Transaction, batch: BatchMember, now: number): void {
  const { name, metadata, callbacks } = batch.options
  const parent = batch.parent?.id ?? null
  batch.id = Number(tx.run(insertBatch, [parent, name ?? null, now]).lastInsertRowid)
  if (parent !== null) tx.run(countNested, [1, parent])
  const texts = [callbacks.success, callbacks.failure, callbacks.finish].map((row) =>
    row === undefined ? null : JSON.stringify(row),
  )
  if (metadata !== null || texts.some((text) => text !== null))
    tx.run(insertBatchDetails, [batch.id, metadata, ...texts])
}

/**
 * Inserts jobs, those together that are alike. Returns those that were not enqueued, because another job has their unique
 * key.
 */
function insertJobs(
  tx: Transaction,
  jobs: readonly JobMember[],
  waiting: ReadonlySet<JobMember>,
): Set<Member> {
  const strangers = new Set<Member>()
  for (let from = 0; from < jobs.length;) {
    const first = jobs[from]!
    const isLikeFirst = (job: JobMember): boolean =>
      (job.payload === undefined) === (first.payload === undefined) &&
      (job.payload === undefined ||
        (job.row === first.row && job.parent === first.parent && waiting.has(job) === waiting.has(first)))
    let end = from + 1
    while (end < jobs.length && isLikeFirst(jobs[end]!)) end++
    const some = jobs.slice(from, end)
    const rowOf = (job: JobMember): JobRow => memberRow(job, waiting.has(job))
    const enqueued =
      first.payload === undefined
        ? insertAll(tx, some.map(rowOf))
        : insertPayloads(
            tx,
            rowOf(first),
            some.map(({ payload }) => payload!),
          )
    for (const [index, { id, wasEnqueued }] of enqueued.entries()) {
      some[index]!.id = id
      if (!wasEnqueued) strangers.add(some[index]!)
    }
    from = end
  }
  return strangers
}

/** A job that waits for others is scheduled for no time. */
function memberRow({ row, parent }: JobMember, isWaiting: boolean): JobRow {
  return { ...row, batch_id: parent!.id!, ...(isWaiting && { state: 'scheduled', scheduled_at: null }) }
}

function insertEdge(tx: Transaction, { job, need, ifNeedsFail }: Edge): void {
  if (need.id === undefined)
    throw option.invalidOption('dependsOn', 'members of this batch, or of one that was enqueued', need)
  const { created_at: createdAt, scheduled_at: at } = job.row
  tx.run(insertDependency, [
    job.id!,
    kindOf(need),
    need.id,
    ifNeedsFail,
    at !== null && job.isDelayed ? at - createdAt : null,
    at !== null && !job.isDelayed ? at : null,
    'name' in need ? (need.name ?? null) : null,
  ])
}

function kindOf(need: Edge['need']): 'job' | 'batch' {
  return need instanceof BatchMember || need instanceof Batch ? 'batch' : 'job'
}
