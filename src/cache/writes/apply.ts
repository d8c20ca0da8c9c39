import { OptionsError } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import { Entry, readTagVersions, writeTagVersions, type EntryRow } from '../entries/entry.ts'
import type { Engine } from '../engine.ts'
import type { Space } from '../spaces/space.ts'
import {
  breakLease,
  deleteEntry,
  endLease,
  incrementEntry,
  selectAnyLease,
  selectEntry,
  selectVersion,
  touchEntry,
  upsertEntry,
} from '../sql.ts'
import { randomVersion } from '../tags/tags.ts'
import type {
  DeleteOperation,
  IncrementOperation,
  Operation,
  SetOperation,
  TouchOperation,
} from './operation.ts'

/** What a batch of writes has come to so far. */
export class BatchState {
  readonly tx: Transaction
  /** Entries added, minus entries deleted; counted only where there is a limit of entries. */
  added = 0
  /** Whether others may wait for what was written: the end of a lease. */
  mustWake = false
  #hasLeases: boolean | undefined

  /** @param hasLeases Whether anybody makes a value, where that is known from before. */
  constructor(tx: Transaction, hasLeases: boolean | undefined) {
    this.tx = tx
    this.#hasLeases = hasLeases
  }

  /** Somebody may have taken a lease in this transaction. */
  doubtLeases(): void {
    this.#hasLeases = undefined
  }

  /** Takes the lease of a key away, whoever has it. */
  breakLease(id: number): void {
    if (this.hasLeases && this.tx.run(breakLease, [id]).changes > 0) this.mustWake = true
  }

  /** Whether anybody makes a value; a write of its key takes that lease away, so that the value is not stored over it. */
  get hasLeases(): boolean {
    return (this.#hasLeases ??= this.tx.get(selectAnyLease) !== undefined)
  }
}

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

/** What comes after a clear of its space goes where the space is now. */
function relocate(what: { id: number; number: number; readonly key: string }, space: Space): void {
  if (what.number === space.number) return
  what.id = space.idOf(what.key)
  what.number = space.number
}

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

function putEntry(engine: Engine, state: BatchState, entry: Entry): void {
  const { tx } = state
  engine.spaces.register(tx, entry.space)
  if (engine.maxEntries !== undefined && tx.get(selectVersion, [entry.id]) === undefined) state.added++
  const { stored } = entry
  tx.run(upsertEntry, [
    entry.id,
    entry.space.number,
    entry.key,
    entry.version,
    entry.expiresAt === Infinity ? null : entry.expiresAt,
    entry.staleUntil === Infinity ? null : entry.staleUntil,
    entry.createdAt,
    entry.cost,
    writeTagVersions(entry.tags),
    entry.kind,
    // As a bigint it is kept as an integer, which SQL can count up.
    typeof stored === 'number' && Number.isSafeInteger(stored) ? BigInt(stored) : stored,
  ])
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

function applyIncrement(engine: Engine, state: BatchState, operation: IncrementOperation): unknown {
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

/** The entry of a key that is fresh, as the transaction sees it. */
export function readLive(
  engine: Engine,
  tx: Transaction,
  space: Space,
  id: number,
  key: string,
): Entry | undefined {
  const row = tx.get<EntryRow>(selectEntry, [id])
  if (row === undefined || row.space !== space.number || row.key !== key) return undefined
  const entry = Entry.ofRow(space, id, row)
  return entry.expiresAt > engine.clock.now() && engine.tags.areCurrent(entry) ? entry : undefined
}
