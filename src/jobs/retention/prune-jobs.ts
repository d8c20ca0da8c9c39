import type { Database, Transaction } from '../../database/index.ts'
import type { Slices } from './slices.ts'
import {
  deleteManyErrors,
  deleteManyLogs,
  deleteManySteps,
  deleteOldBatches,
  deleteOldJobs,
  selectManyErrors,
  selectManyLogs,
  selectManySteps,
  selectOldBatches,
  selectOldJobs,
} from './sql.ts'

/** A place in the order in which jobs have ended. */
export interface Place {
  readonly finished_at: number
  readonly id: number
}

interface Old extends Place {
  readonly is_needed: number
}

const beginning: Place = { finished_at: -1, id: 0 }
/** A job that has more rows than this in another table loses those first, in slices of their own. */
const manyRows = 200
const rowsOfJobs = [
  { select: selectManyLogs, delete: deleteManyLogs },
  { select: selectManyErrors, delete: deleteManyErrors },
  { select: selectManySteps, delete: deleteManySteps },
]

/** Deletes the jobs of a state that had ended up to a place, and are not needed any more. Resolves with their number. */
export function pruneJobs(
  database: Database,
  slices: Slices,
  state: string,
  until: Place,
  now: number,
): Promise<number> {
  const read = (tx: Reader, after: Place, limit: number): Old[] =>
    tx
      .all<Old>(selectOldJobs, { ...after, state, until: until.finished_at, now, limit })
      .filter((job) => !isBehind(job, until))
  return prune(database, slices, read, async (ids, again) => {
    for (const id of ids) await pruneRowsOf(database, slices, id)
    return slices.write((tx) => tx.run(deleteOldJobs, [JSON.stringify(again(tx)), state]).changes)
  })
}

/** Deletes batches that were done up to a time, and have no jobs any more. Resolves with their number. */
export function pruneBatches(database: Database, slices: Slices, until: number): Promise<number> {
  const read = (tx: Reader, after: Place, limit: number): Old[] =>
    tx.all<Old>(selectOldBatches, { ...after, until, limit })
  return prune(database, slices, read, (_, again) =>
    slices.write((tx) => tx.run(deleteOldBatches, [JSON.stringify(again(tx))]).changes),
  )
}

type Reader = Pick<Database | Transaction, 'all'>

/**
 * Walks from the oldest on, over those that are still needed.
 *
 * @param remove Deletes what its second parameter gives, which looks again inside the transaction.
 */
async function prune(
  database: Database,
  slices: Slices,
  read: (reader: Reader, after: Place, limit: number) => Old[],
  remove: (ids: number[], again: (tx: Transaction) => number[]) => Promise<number>,
): Promise<number> {
  let pruned = 0
  for (let after = beginning; !slices.isOver;) {
    const from = after
    const { size } = slices
    const found = read(database, from, size)
    const ids = idsOf(found)
    if (found.length === 0) break
    after = found.at(-1)!
    if (ids.length === 0) await slices.yield()
    else pruned += await remove(ids, (tx) => idsOf(read(tx, from, size)).filter((id) => ids.includes(id)))
  }
  return pruned
}

function idsOf(found: readonly Old[]): number[] {
  return found.filter((each) => each.is_needed === 0).map(({ id }) => id)
}

function isBehind(one: Place, other: Place): boolean {
  return one.finished_at > other.finished_at || (one.finished_at === other.finished_at && one.id > other.id)
}

async function pruneRowsOf(database: Database, slices: Slices, job: number): Promise<void> {
  for (const rows of rowsOfJobs) {
    while (!slices.isOver && database.get(rows.select, [job, manyRows]) !== undefined)
      await slices.write((tx) => tx.run(rows.delete, [job, slices.size]))
  }
}
