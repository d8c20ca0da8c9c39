import { readTagVersions, type EntryRow } from '../entries/entry.ts'
import type { Engine } from '../engine.ts'
import type { Space } from '../spaces/space.ts'
import { deleteEntry, endLease, touchEntry } from '../sql.ts'
import { randomVersion } from '../tags/tags.ts'
import { putEntry, readLive, relocate, type BatchState } from './batch-state.ts'
import { applyIncrement } from './increment.ts'
import type { DeleteOperation, Operation, SetOperation, TouchOperation } from './operation.ts'

/** Does one write; returns what its caller gets. */
export function applyOperation(engine: Engine, state: BatchState, operation: Operation): unknown {
  if (operation.type !== 'work') engine.spaces.settle(state.tx, spaceOf(operation))
  switch (operation.type) {
    case 'set':
      return applySet(engine, state, operation)
    case 'delete':
      return applyDelete(engine, state, operation)
    case 'increment':
      return applyIncrement(engine, state, operation)
    case 'touch':
      return applyTouch(engine, state, operation)
    default:
      state.mustWake = true
      state.doubtLeases()
      return operation.work(state.tx)
  }
}

const spaceOf = (operation: Exclude<Operation, { type: 'work' }>): Space =>
  operation.type === 'set' ? operation.entry.space : operation.space

function applySet(engine: Engine, state: BatchState, { entry, ifAbsent, lease }: SetOperation): unknown {
  const { tx } = state
  if (lease === undefined) relocate(entry, entry.space)
  if (ifAbsent && readLive(engine, tx, entry.space, entry.id, entry.key) !== undefined) return false
  if (lease !== undefined) {
    if (tx.run(endLease, [entry.id, lease]).changes === 0) return false
    state.mustWake = true
    // It was begun before its space was cleared.
    if (entry.number !== entry.space.number) return false
  } else state.breakLease(entry.id)
  putEntry(engine, state, entry)
  return true
}

/** Whether there was a value that was fresh; one that has expired is deleted too. */
function applyDelete(engine: Engine, state: BatchState, operation: DeleteOperation): boolean {
  relocate(operation, operation.space)
  const { id, space, key } = operation
  state.breakLease(id)
  const row = state.tx.get<Pick<EntryRow, 'expires_at' | 'tags'>>(deleteEntry, [id, space.number, key])
  if (row === undefined) return false
  state.added--
  if (row.expires_at !== null && row.expires_at <= engine.clock.now()) return false
  try {
    return row.tags === null || engine.tags.stillCurrent(readTagVersions(row.tags))
  } catch (error) {
    engine.faults.report('read', error)
    return false
  }
}

function applyTouch(engine: Engine, { tx }: BatchState, operation: TouchOperation): boolean {
  relocate(operation, operation.space)
  const { id, space, key, expiresAt } = operation
  const live = readLive(engine, tx, space, id, key)
  if (live === undefined) return false
  const grace = live.staleUntil === Infinity ? 0 : live.staleUntil - live.expiresAt
  const end = expiresAt === Infinity ? null : expiresAt
  tx.run(touchEntry, [end, end === null ? null : end + grace, randomVersion(), id])
  return true
}
