import { seedState, type HashState } from '../entries/hash.ts'
import type { Database, Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import {
  deleteSpaceNumbers,
  insertSpaceNumber,
  selectGenerations,
  selectState,
  setGeneration,
} from '../sql.ts'
import { randomVersion } from '../tags/tags.ts'
import { Space } from './space.ts'

/** The spaces that this process uses, each once, as long as anybody holds it or an entry of it. */
export class Spaces {
  readonly #engine: Engine
  readonly #spaces = new Map<string, WeakRef<Space>>()
  readonly #gone = new FinalizationRegistry<string>((name) => {
    if (this.#spaces.get(name)?.deref() === undefined) this.#spaces.delete(name)
  })
  #seed: HashState | undefined

  constructor(engine: Engine) {
    this.#engine = engine
  }

  of(name: string): Space {
    let space = this.#spaces.get(name)?.deref()
    if (space === undefined) {
      space = new Space(name)
      this.#spaces.set(name, new WeakRef(space))
      this.#gone.register(space, name)
    }
    return space
  }

  /** Makes sure that a space has the generation that the file says. */
  renew(space: Space, epoch: number): void {
    const { database } = this.#engine
    const generation = generationOf(database, space)
    if (generation !== space.generation) this.#become(space, generation)
    space.epoch = epoch
  }

  #become(space: Space, generation: string): void {
    for (const entry of space.memory.values()) this.#engine.memory?.remove(entry)
    space.become((this.#seed ??= this.#readSeed()), generation)
  }

  /** The id of a key in the present generation of its space. */
  idOf(space: Space, key: string): number {
    const epoch = this.#engine.changes.look()
    if (space.epoch !== epoch) this.renew(space, epoch)
    return space.idOf(key)
  }

  /** Gives a space, and those below it, another generation: nothing of them is found any more. Resolves when that is committed. */
  async clear(space: Space): Promise<boolean> {
    const { writes, sweeper } = this.#engine
    const isCleared = await writes.work((tx) => {
      this.renumber(tx, space)
      return true
    }, false)
    this.forget()
    sweeper.clean()
    return isCleared
  }

  /** Does in a transaction what {@link clear} does. */
  renumber(tx: Transaction, space: Space): void {
    tx.run(setGeneration, [space.name, randomVersion()])
    tx.run(deleteSpaceNumbers, [space.name, space.name, space.name])
    this.forget()
  }

  /** The id of a key as far as this process knows, for a write: in its transaction it is made right. */
  presumedIdOf(space: Space, key: string): number {
    return space.generation === undefined ? this.idOf(space, key) : space.idOf(key)
  }

  /** Makes sure, in a transaction, that the generation of a space is known which was cleared by this process. */
  settle(tx: Transaction, space: Space): void {
    if (space.isRegistered) return
    const generation = generationOf(tx, space)
    if (generation !== space.generation) this.#become(space, generation)
  }

  /** Writes the number of a space down before its first entry, so that its entries do not count as left over. */
  register(tx: Transaction, space: Space): void {
    if (space.isRegistered) return
    tx.run(insertSpaceNumber, [space.number, space.name])
    space.isRegistered = true
  }

  /** Every space looks at its next write whether its generation is still the same. */
  doubt(): void {
    for (const reference of this.#spaces.values()) {
      const space = reference.deref()
      if (space !== undefined) space.isRegistered = false
    }
  }

  /** Every space reads its generation anew at its next use. */
  forget(): void {
    for (const reference of this.#spaces.values()) {
      const space = reference.deref()
      if (space === undefined) continue
      space.epoch = 0
      space.isRegistered = false
    }
  }

  /** The file is another one. */
  reset(): void {
    this.#seed = undefined
    for (const reference of this.#spaces.values()) {
      const space = reference.deref()
      if (space === undefined) continue
      space.epoch = 0
      space.generation = undefined
    }
  }

  #readSeed(): HashState {
    const row = this.#engine.database.get<{ seed_low: number; seed_high: number }>(selectState)!
    return seedState(row.seed_low, row.seed_high)
  }
}

function generationOf(database: Pick<Database, 'all'>, space: Space): string {
  const rows = database.all<{ generation: number }>(selectGenerations, [space.ancestry])
  return rows.map(({ generation }) => generation).join()
}
