import { option } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import type { QueueLimits } from './queue-limits.ts'
import { selectClaimable, selectPauses, selectQueues } from '../sql.ts'

type Reader = Pick<Transaction | Database, 'all'>

/**
 * Which queues a worker takes from: `'*'` for all in turn; a list, whose queues are emptied in its order (a name may end in
 * `*`, which stands for all queues that begin so); or weights, by which the queues share the slots; a slot that one does
 * not need goes to the others.
 */
export type Queues = string | readonly string[] | Readonly<Record<string, number>>

/** A queue, with the part of the free slots that it gets before the others get what it leaves; 1: all. */
export interface QueueShare {
  readonly name: string
  readonly share: number
}

/** Says, at each claim, in which order the queues are looked into. Paused ones are left out. */
export class QueueOrder {
  readonly #queues: readonly QueueShare[]
  readonly #hasPatterns: boolean
  readonly #isWeighted: boolean
  readonly #pausedNames = new Set<string>()
  #round = 0

  constructor(queues: Queues) {
    if (typeof queues === 'string') this.#queues = inTheirOrder(queues.split(',').map((name) => name.trim()))
    else if (Array.isArray(queues)) this.#queues = inTheirOrder(queues as string[])
    else this.#queues = byTheirWeight(queues as Record<string, number>)
    this.#isWeighted = this.#queues.some(({ share }) => share < 1)
    this.#hasPatterns = this.#queues.some(({ name }) => name.endsWith('*'))
  }

  next(tx: Reader): QueueShare[] {
    const ordered = this.#isWeighted ? shuffled(this.#queues) : this.#queues
    const queues = this.#hasPatterns ? this.#expanded(tx, ordered) : ordered
    const pauses = tx.all<{ kind: 'queue' | 'name'; name: string }>(selectPauses)
    this.#pausedNames.clear()
    if (pauses.length === 0) return queues as QueueShare[]
    const pausedQueues = new Set<string>()
    for (const { kind, name } of pauses) (kind === 'queue' ? pausedQueues : this.#pausedNames).add(name)
    return queues.filter(({ name }) => !pausedQueues.has(name))
  }

  /** The names of jobs that are paused, as `next` has found them. */
  get pausedNames(): ReadonlySet<string> {
    return this.#pausedNames
  }

  /** Whether any of the queues has something to claim, and a place to run it in. */
  haveWork(database: Database, limits: QueueLimits): boolean {
    return this.next(database).some(
      ({ name }) =>
        database.get(selectClaimable, [name]) !== undefined && limits.placesOf(name, database) > 0,
    )
  }

  /**
   * Replaces each pattern by the queues that have something to do and are not named elsewhere. They have equal shares, and take
   * turns in being first.
   */
  #expanded(tx: Reader, queues: readonly QueueShare[]): QueueShare[] {
    const known = tx.all<{ name: string }>(selectQueues).map(({ name }) => name)
    const taken = new Set(queues.map(({ name }) => name))
    const round = this.#round++
    return queues.flatMap((queue) => {
      if (!queue.name.endsWith('*')) return queue
      const prefix = queue.name.slice(0, -1)
      const matching = known.filter((name) => name.startsWith(prefix) && !taken.has(name))
      for (const name of matching) taken.add(name)
      const share = queue.share / matching.length
      return matching.map((_, index) => ({ name: matching[(index + round) % matching.length]!, share }))
    })
  }
}

function inTheirOrder(names: readonly string[]): QueueShare[] {
  return names.map((name) => ({ name, share: 1 }))
}

function byTheirWeight(weights: Readonly<Record<string, number>>): QueueShare[] {
  const sum = Object.values(weights).reduce((sum, weight) => sum + weight, 0)
  return Object.entries(weights).map(([name, weight]) => ({ name, share: weight / sum }))
}

/** A random order in which a queue is first as often as its share says (Efraimidis and Spirakis 2006); one slot cannot be divided. */
function shuffled(queues: readonly QueueShare[]): QueueShare[] {
  return queues
    .map((queue) => ({ queue, key: Math.random() ** (1 / queue.share) }))
    .sort((a, b) => b.key - a.key)
    .map(({ queue }) => queue)
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
