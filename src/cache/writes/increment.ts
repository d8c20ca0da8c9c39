import { OptionsError } from '../../core/index.ts'
import type { Engine } from '../engine.ts'
import { Entry } from '../entries/entry.ts'
import { incrementEntry, selectVersion } from '../sql.ts'
import { randomVersion } from '../tags/tags.ts'
import { putEntry, readLive, relocate, type BatchState } from './batch-state.ts'
import type { IncrementOperation } from './operation.ts'

/**
 * Adds to a counter, in one statement where the value can be added to by SQL. One that is encrypted, has tags, or is no counter at all is
 * read and written.
 *
 * @throws OptionsError `HANDCAR_CACHE_COUNTER`
 */
export function applyIncrement(engine: Engine, state: BatchState, operation: IncrementOperation): number {
  relocate(operation, operation.space)
  const { id, space, key, by, expiresAt } = operation
  const { tx } = state
  state.breakLease(id)
  engine.spaces.register(tx, space)
  const now = engine.clock.now()
  if (engine.codec.isPlain) {
    if (engine.maxEntries !== undefined && tx.get(selectVersion, [id]) === undefined) state.added++
    const end = expiresAt === Infinity ? null : expiresAt
    const values = [id, space.number, key, randomVersion(), end, end, now, by]
    const row = tx.get<{ value: number }>(incrementEntry, values)
    if (row !== undefined) return row.value
  }
  const live = readLive(engine, tx, space, id, key)
  const before = live === undefined ? 0 : live.value(engine.codec)
  if (typeof before !== 'number' || !Number.isSafeInteger(before)) {
    throw new OptionsError('HANDCAR_CACHE_COUNTER', `Expected "${key}" to be a counter, got another value`)
  }
  const value = before + by
  if (!Number.isSafeInteger(value)) {
    throw new OptionsError('HANDCAR_CACHE_COUNTER', `The counter "${key}" would become ${value}`, {
      fix: 'Counters are whole numbers between -9,007,199,254,740,991 and 9,007,199,254,740,991.',
    })
  }
  const { kind, value: stored } = engine.codec.encode(value, key)
  const end = live?.expiresAt ?? expiresAt
  putEntry(
    engine,
    state,
    new Entry(
      space,
      id,
      key,
      randomVersion(),
      end,
      live?.staleUntil ?? end,
      now,
      0,
      live?.tags,
      kind,
      stored,
    ),
  )
  return value
}
