import type { Database } from '../../database/index.ts'
import type { Slices } from './slices.ts'
import {
  deleteFullRates,
  deleteOldTicks,
  selectNamesOfTicks,
  selectOldTick,
  selectRates,
  selectSurplusTick,
} from './sql.ts'

/** How long the ticks of a recurring job are kept, and how many of them. */
const ticks = { age: 30 * 86_400_000, count: 10_000 }
/** How many rates are looked at together. */
const ratesAtOnce = 500

/** Deletes old ticks of recurring jobs. Resolves with their number. */
export async function pruneTicks(database: Database, slices: Slices, now: number): Promise<number> {
  let pruned = 0
  for (const { name } of database.all<{ name: string }>(selectNamesOfTicks)) {
    const surplus = database.get<{ tick_at: number }>(selectSurplusTick, [name, ticks.count])
    const until = Math.max(now - ticks.age, surplus?.tick_at ?? 0)
    while (!slices.isOver && database.get(selectOldTick, [name, until]) !== undefined) {
      const deleted = { name, until, limit: slices.size }
      pruned += await slices.write((tx) => tx.run(deleteOldTicks, deleted).changes)
    }
  }
  return pruned
}

/** Deletes the state of rate limits that would allow everything. */
export async function pruneRates(database: Database, slices: Slices, now: number): Promise<void> {
  for (let after = ''; !slices.isOver;) {
    const rates = database.all<{ key: string; next_at: number }>(selectRates, [after, ratesAtOnce])
    const full = rates.filter(({ next_at }) => next_at <= now).map(({ key }) => key)
    if (full.length > 0)
      await slices.write((tx) => tx.run(deleteFullRates, { keys: JSON.stringify(full), now }))
    else await slices.yield()
    if (rates.length < ratesAtOnce) return
    after = rates.at(-1)!.key
  }
}
