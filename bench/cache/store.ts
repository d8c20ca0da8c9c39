/** The systems that are compared. */
export type System = 'handcar' | 'Redis' | 'lru-cache' | 'Keyv' | 'bentocache'

/** Where a store lives, and how it is set. */
export interface Place {
  readonly system: System
  /** The file of those that have one. */
  readonly path: string
  readonly redis?: { readonly host: string; readonly port: number }
  /** What Redis, lru-cache and handcar hold at most; the others have no bound. */
  readonly maxBytes: number
  /** The layer in memory of those that have one. */
  readonly hasMemory: boolean
  /** Commands of one turn of the event loop go to Redis together. */
  readonly autoPipelining: boolean
  /** Whether lru-cache is called behind a promise, as everything else is. */
  readonly isAwaited: boolean
}

/** What is kept. Counters come back as texts from Redis. */
export type Kept = string | number | null | undefined

/** A cache, opened through its public API. Whether a method returns a promise is its own affair. */
export interface Store {
  get(key: string): Promise<Kept> | Kept
  set(key: string, value: string): unknown
  /** By the method of that name, or by what its users write instead. */
  getOrSet(key: string, make: () => string): Promise<Kept> | Kept
  /** Adds one, atomically; `undefined` for those that cannot. */
  readonly increment: ((key: string) => unknown) | undefined
  /** What it takes of its bound now, where it can say so. */
  bytes?(): number
  close(): unknown
}

/** How a system is opened. */
export interface StoreMaker {
  /** Makes the store empty. No process has it open. */
  clear(place: Place): Promise<void>
  open(place: Place): Promise<Store>
}
