import { option } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'

/** Which file a limit or a lock is kept in. */
export type Store = 'cache' | 'app'

/** Reads the option `store`. */
export const readStore = option.oneOf<Store>(['cache', 'app'], 'cache')

/**
 * A file that limits and locks are kept in: the cache's own, which may be lost and never breaks the app, or the app's, where they are
 * part of the transaction that they are used in.
 */
export class Place {
  readonly store: Store
  readonly database: Database
  readonly #engine: Engine

  constructor(engine: Engine, store: Store) {
    this.#engine = engine
    this.store = store
    if (store === 'app' && engine.app === undefined)
      throw option.invalidOption('The option "store"', '"cache", as the cache has no option "app"', store)
    this.database = store === 'app' ? engine.app! : engine.database
  }

  /** Whether the current code runs in a transaction that what is done here belongs to. */
  get isInTransaction(): boolean {
    return this.store === 'app' && this.database.isInTransaction
  }

  /** A row, as the transaction of the current code sees it; `undefined` also where the cache's storage fails. */
  get<Row>(statement: string, parameters: (string | number)[]): Row | undefined {
    if (this.store === 'app') return this.database.get<Row>(statement, parameters)
    if (this.#engine.faults.isOff) return undefined
    try {
      return this.database.get<Row>(statement, parameters)
    } catch (error) {
      this.#engine.faults.report('read', error)
      return undefined
    }
  }

  /** Does something in a transaction. Resolves with `undefined` where the cache's storage fails; the app's failures are thrown. */
  write<Result>(work: (tx: Transaction) => Result): Promise<Result | undefined> {
    if (this.store === 'app') return this.database.write(work, { label: 'handcar.cache', durability: 'os' })
    const { faults, writes } = this.#engine
    return faults.canWrite ? writes.work<Result | undefined>(work, undefined) : Promise.resolve(undefined)
  }
}

/** Both places; the app's when it is asked for. */
export class Places {
  readonly #engine: Engine
  readonly #places = new Map<Store, Place>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  of(store: Store): Place {
    let place = this.#places.get(store)
    if (place === undefined) {
      place = new Place(this.#engine, store)
      this.#places.set(store, place)
    }
    return place
  }

  /** Those that were asked for. */
  get used(): Iterable<Place> {
    return this.#places.values()
  }
}
