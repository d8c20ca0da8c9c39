import { deriveState, hash, type HashState } from '../entries/hash.ts'
import type { Entry } from '../entries/entry.ts'
import type { Operation } from '../writes/operation.ts'
import type { Flight } from '../single-flight/flight.ts'

/** The name of the space that everything is in which is in no namespace. */
export const rootName = ''
/** Between the names of nested namespaces. */
export const separator = '/'

/**
 * A set of keys: the root, or a namespace. It has a generation, which goes into the hash of its keys; clearing it means to take another
 * generation, after which nothing of it can be found, and what is left of it is swept away when the cache has nothing else to do.
 */
export class Space {
  readonly name: string
  /** Entries in memory, by key. */
  readonly memory = new Map<string, Entry>()
  /** The last write of a key that is not committed yet, by key. */
  readonly pending = new Map<string, Operation>()
  /** Values that are being made, by key. */
  readonly flights = new Map<string, Flight>()
  /** The state of the file at which the generation was read. */
  epoch = 0
  generation: string | undefined
  /** Its name and the names of those that it is in, as JSON. */
  readonly ancestry: string
  /** Stands in its entries. */
  number = 0
  /** Whether the number stands in the table of numbers. */
  isRegistered = false
  #state: HashState | undefined

  constructor(name: string) {
    this.name = name
    const names = [rootName]
    for (let end = name.indexOf(separator); end >= 0; end = name.indexOf(separator, end + 1))
      names.push(name.slice(0, end))
    if (name !== rootName) names.push(name)
    this.ancestry = JSON.stringify(names)
  }

  /** Takes a generation; what is in memory belongs to the one before. */
  become(seed: HashState, generation: string): void {
    this.generation = generation
    this.isRegistered = false
    this.#state = deriveState(seed, this.name, generation)
    this.number = hash(this.#state, '')
  }

  /** The id of a key: where its entry is. */
  idOf(key: string): number {
    return hash(this.#state!, key)
  }
}
