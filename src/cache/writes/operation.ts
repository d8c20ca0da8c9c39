import type { Transaction } from '../../database/index.ts'
import type { Entry } from '../entries/entry.ts'
import type { Space } from '../spaces/space.ts'

/** A write that waits for the next commit, or is part of it. */
export type Operation = SetOperation | DeleteOperation | IncrementOperation | TouchOperation | WorkOperation

interface Waiting {
  /** What its caller gets when it is committed. */
  result: unknown
  /** What its caller gets when it cannot be. */
  readonly otherwise: unknown
  resolve: (result: unknown) => void
  /** An error that is the caller's own, found in the transaction. */
  refusal?: Error
  /** A mistake in the code that it has met in the transaction, which has ended it. */
  culprit?: unknown
  reject: (error: Error) => void
  promise: Promise<unknown>
}

/** Puts an entry. */
export interface SetOperation extends Waiting {
  readonly type: 'set'
  readonly entry: Entry
  /** Only when there is none. */
  readonly ifAbsent: boolean
  /** Only while this lease is held, which ends with it. */
  readonly lease: number | undefined
}

export interface DeleteOperation extends Waiting {
  readonly type: 'delete'
  readonly space: Space
  id: number
  /** The number of the space when the id was made. */
  number: number
  readonly key: string
}

export interface IncrementOperation extends Waiting {
  readonly type: 'increment'
  readonly space: Space
  id: number
  number: number
  readonly key: string
  readonly by: number
  readonly expiresAt: number
}

export interface TouchOperation extends Waiting {
  readonly type: 'touch'
  readonly space: Space
  id: number
  number: number
  readonly key: string
  readonly expiresAt: number
}

/** Anything else that is to be part of the next commit. */
interface WorkOperation extends Waiting {
  readonly type: 'work'
  readonly work: (tx: Transaction) => unknown
}

/** What a write adds to the file, roughly. */
export function bytesOf(operation: Operation): number {
  if (operation.type === 'set') return operation.entry.size
  return operation.type === 'increment' ? 100 : 0
}
