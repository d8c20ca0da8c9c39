import type { Transaction } from '../../database/index.ts'
import type { ResolvedRetention } from '../channels/retention.ts'
import type { Sized, Tally } from './tallies.ts'
import { deleteUpTo, selectHighest, selectOldest, upsertTrimmed } from './trim-sql.ts'

/** What is kept of a channel. */
export interface Keep extends ResolvedRetention {
  /** Whether the last message stays however old it is, because it is the state of the channel. */
  readonly last: boolean
}

/** Whether a channel has something that is to go, as far as its tally knows. */
export function hasSurplus({ count, bytes, oldestAt }: Tally, keep: Keep, now: number): boolean {
  if (keep.last && count <= 1) return false
  return count > keep.count || bytes > keep.bytes || oldestAt < now - keep.age
}

/**
 * Deletes the oldest messages of a channel, as far as they are too many, too large or too old, and brings its tally up to date. What is
 * gone is remembered with it, so that who resumes from before it is told. The message with the highest offset of the log stays, so
 * that no offset is given twice.
 *
 * @param most How many messages at most.
 * @returns how many went
 */
export function trimChannel(
  tx: Transaction,
  channel: string,
  tally: Tally,
  keep: Keep,
  now: number,
  most: number,
): number {
  const highest = tx.get<{ offset: number }>(selectHighest)!.offset
  const oldest = tx.all<Sized>(selectOldest, [channel, most + 1])
  let went = 0
  const reach = (message: Sized | undefined): void =>
    void Object.assign(tally, {
      first: message?.offset ?? Infinity,
      oldestAt: message?.createdAt ?? Infinity,
    })
  reach(oldest[0])
  while (went < most && tally.first < highest && hasSurplus(tally, keep, now)) {
    tally.count -= 1
    tally.bytes -= oldest[went]!.bytes
    went += 1
    reach(oldest[went])
  }
  if (went === 0) return 0
  const { offset } = oldest[went - 1]!
  tx.run(deleteUpTo, [channel, offset])
  tx.run(upsertTrimmed, { channel, offset, now })
  return went
}
