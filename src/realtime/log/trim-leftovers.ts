import type { Database } from '../../database/index.ts'
import type { Slices } from './slices.ts'
import {
  countTrimmed,
  deleteReceipts,
  deleteTrimmed,
  raiseFloor,
  selectOldestTrimmed,
  selectOldReceipt,
} from './trim-sql.ts'

/** How many channels are remembered, and for how long, in milliseconds: whoever comes back after longer is told of a gap anyway. */
export const mostTrimmed = 100_000
const longest = 30 * 86_400_000
const atOnce = 500

interface Mark {
  offset: number
  trimmedAt: number
}

/**
 * Forgets what was trimmed of which channel when that is long ago, or when there are too many: the floor, which is one number for all,
 * stands for it then. Returns whether there may be more to fold.
 */
export async function foldTrimmed(database: Database, slices: Slices, now: number): Promise<boolean> {
  const marks = database.all<Mark>(selectOldestTrimmed, [atOnce])
  const surplus = database.get<{ count: number }>(countTrimmed)!.count - mostTrimmed
  let last: Mark | undefined
  for (const [index, mark] of marks.entries()) {
    if (index >= surplus && mark.trimmedAt >= now - longest) break
    last = mark
  }
  if (last === undefined) return false
  const { offset } = last
  await slices.write((tx) => {
    tx.run(raiseFloor, [offset])
    return tx.run(deleteTrimmed, [offset]).changes
  })
  return marks.at(-1) === last && marks.length === atOnce
}

/** Forgets that messages of clients were handled, up to a time. */
export async function forgetReceipts(database: Database, slices: Slices, until: number): Promise<void> {
  while (!slices.isOver && database.get(selectOldReceipt, [until]) !== undefined)
    await slices.write((tx, most) => tx.run(deleteReceipts, [until, most]).changes)
}
