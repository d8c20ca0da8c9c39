import type { Transaction } from '../../database/index.ts'
import { Entry, writeTagVersions, type EntryRow } from '../entries/entry.ts'
import type { Engine } from '../engine.ts'
import type { Space } from '../spaces/space.ts'
import { breakLease, selectAnyLease, selectEntry, selectVersion, replaceEntry } from '../sql.ts'

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

/** What comes after a clear of its space goes where the space is now. */
export function relocate(what: { id: number; number: number; readonly key: string }, space: Space): void {
  if (what.number === space.number) return
  what.id = space.idOf(what.key)
  what.number = space.number
}

/** Writes an entry, whatever was there before. */
export function putEntry(engine: Engine, state: BatchState, entry: Entry): void {
  const { tx } = state
  engine.spaces.register(tx, entry.space)
  if (engine.maxEntries !== undefined && tx.get(selectVersion, [entry.id]) === undefined) state.added++
  const { stored } = entry
  tx.run(replaceEntry, [
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
