import { option } from '../core/index.ts'
import type { Database, Transaction } from '../database/index.ts'
import { selectClaimable, selectPausedQueues, selectQueues } from './sql.ts'

type Reader = Pick<Transaction | Database, 'all'>

/**
 * Which queues a worker takes from: `'*'` for all in turn; a list, whose queues are emptied in its order (a name may end in
 * `*`, which stands for all queues that begin so); or weights, for how often a queue comes first.
 */
export type Queues = string | readonly string[] | Readonly<Record<string, number>>

/** Says, at each claim, in which order the queues are looked into. Paused ones are left out. */
export class QueueOrder {
  readonly #names: readonly string[]
  readonly #weights: readonly number[] | undefined
  readonly #hasPatterns: boolean
  #round = 0

  constructor(queues: Queues) {
    if (typeof queues === 'string') this.#names = queues.split(',').map((name) => name.trim())
    else if (Array.isArray(queues)) this.#names = queues as string[]
    else {
      this.#names = Object.keys(queues)
      this.#weights = Object.values(queues as Record<string, number>)
    }
    this.#hasPatterns = this.#names.some((name) => name.endsWith('*'))
  }

  next(tx: Reader): string[] {
    const paused = tx.all<{ name: string }>(selectPausedQueues)
    let names = this.#weights === undefined ? this.#names : this.#weighted(this.#weights)
    if (this.#hasPatterns) names = this.#expanded(tx, names)
    if (paused.length === 0) return names as string[]
    const pausedNames = new Set(paused.map(({ name }) => name))
    return names.filter((name) => !pausedNames.has(name))
  }

  /** Whether any of the queues has something to claim. */
  haveWork(database: Database): boolean {
    return this.next(database).some((name) => database.get(selectClaimable, [name]) !== undefined)
  }

  /** Replaces each pattern by the queues that have something to do and are not named before; they take turns in being first. */
  #expanded(tx: Reader, names: readonly string[]): string[] {
    const known = tx.all<{ name: string }>(selectQueues)
    const expanded = new Set<string>()
    const round = this.#round++
    for (const name of names) {
      if (!name.endsWith('*')) {
        expanded.add(name)
        continue
      }
      const prefix = name.slice(0, -1)
      const matching = known.filter((queue) => queue.name.startsWith(prefix) && !names.includes(queue.name))
      for (let index = 0; index < matching.length; index++) {
        expanded.add(matching[(index + round) % matching.length]!.name)
      }
    }
    return [...expanded]
  }

  /** A random order in which a queue is first as often as its weight says (Efraimidis and Spirakis 2006). */
  #weighted(weights: readonly number[]): string[] {
    return this.#names
      .map((name, index) => ({ name, key: Math.random() ** (1 / weights[index]!) }))
      .sort((a, b) => b.key - a.key)
      .map(({ name }) => name)
  }
}

/** Reads the option `queues`. */
export function readQueues(value: unknown, name: string): Queues {
  if (value === undefined) return '*'
  if (typeof value === 'string' && value.trim() !== '') return value
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((each) => typeof each === 'string' && each !== '')
  )
    return value as string[]
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const weights = Object.values(value)
    if (
      weights.length > 0 &&
      weights.every((each) => typeof each === 'number' && each > 0 && each < Infinity)
    )
      return value as Record<string, number>
  }
  throw option.invalidOption(name, "'*', a list of names, or an object of weights above 0", value)
}
