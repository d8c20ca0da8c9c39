import { option, parseDuration, readOptions, type Duration } from '../../core/index.ts'
import type { Transaction } from '../../database/index.ts'
import type { Engine } from '../engine.ts'
import { checkKey } from '../entries/key.ts'
import { limitEvent } from '../events.ts'
import { Places, readStore, type Place, type Store } from './place.ts'
import type { Policy, Verdict } from './policy.ts'
import { takeFromWindow } from './sliding-window.ts'
import { deleteLimit, putLimit, selectLimit, sweepLimits, updateLimit } from './sql.ts'
import { takeFromBucket } from './token-bucket.ts'

/** Options of {@link Cache.rateLimit}. */
export interface RateLimitOptions {
  /** How much is allowed in a window: 1 to 1,000,000,000. */
  limit: number
  /** How long the window is. */
  window: Duration
  /**
   * `'sliding-window'`: never more than the limit in any span as long as the window. `'token-bucket'`: the limit at once, then evenly as
   * much in each window. Default: `'sliding-window'`.
   */
  algorithm?: 'sliding-window' | 'token-bucket'
  /** How much this call takes; 0 only looks whether 1 would be allowed. Default: 1. */
  cost?: number
  /**
   * Where it is kept. `'cache'`: in the cache's file, which may be lost. `'app'`: in the app's file; inside a body of `app.write` it is
   * part of that transaction. Default: `'cache'`.
   */
  store?: Store
}

/** What {@link Cache.rateLimit} says. */
export interface RateLimitResult {
  /** Whether it is allowed. What is not allowed takes nothing. */
  readonly allowed: boolean
  readonly limit: number
  /** How much would still be allowed now. */
  readonly remaining: number
  /** When everything is allowed again, in milliseconds since 1970. */
  readonly resetAt: number
  /** In how many milliseconds that is. */
  readonly resetAfter: number
  /** In how many milliseconds the same would be allowed, if nobody else takes it; 0 when it is. */
  readonly retryAfter: number
}

interface LimitRow {
  state: string
  ends_at: number
}

const algorithms = { 'sliding-window': takeFromWindow, 'token-bucket': takeFromBucket }
const most = 1_000_000_000

/** Readers of {@link RateLimitOptions}. */
export const rateLimitReaders = {
  limit: readLimit,
  window: readWindow,
  algorithm: option.oneOf(['sliding-window', 'token-bucket'], 'sliding-window'),
  cost: option.integer(1, { min: 0, max: most }),
  store: readStore,
}

/** Reads {@link RateLimitOptions}; `owner` is whom they were given to. */
export function readRateLimitOptions(owner: string, options: RateLimitOptions) {
  const given = readOptions(owner, options, rateLimitReaders)
  if (given.cost <= given.limit) return given
  throw option.invalidOption(`${owner} option "cost"`, `at most the limit, ${given.limit}`, given.cost)
}

/** Each new limit sweeps away so many that are over, so that there are never many more than are in use. */
const sweptAtOnce = 4
/** After so many new limits it is looked whether the file has become too large, and so much each of them takes, roughly. */
const checkedEvery = 500
const bytesOfLimit = 150
/** How many limits this process keeps by itself while the storage fails. */
const mostKeptHere = 10_000

/**
 * Counts what is allowed, for all processes: the question, the decision and the count are one transaction. What is refused writes nothing.
 *
 * After a crash: what was admitted is counted, except when the machine lost the last moments of the file. While the cache's storage fails
 * each process counts for itself.
 */
export class RateLimits {
  readonly #engine: Engine
  readonly #places: Places
  #news = 0
  readonly #keptHere = new Map<string, LimitRow & { readonly key: string }>()

  constructor(engine: Engine) {
    this.#engine = engine
    this.#places = new Places(engine)
  }

  /** Takes from a limit, if it is allowed. */
  async take(key: string, options: RateLimitOptions): Promise<RateLimitResult> {
    checkKey(key)
    const given = readRateLimitOptions('cache.rateLimit', options)
    const { limit, window, algorithm, cost } = given
    const place = this.#places.of(given.store)
    const policy = { limit, window, name: `${algorithm} ${window}` }
    const judge = (row: LimitRow | undefined): Verdict => {
      const now = this.#engine.clock.now()
      const state = row === undefined || row.ends_at <= now ? undefined : row.state
      return algorithms[algorithm](state, now, policy, cost)
    }
    // Nobody but time can make a refusal wrong, so it needs no transaction.
    let verdict: Verdict | undefined = judge(place.get<LimitRow>(selectLimit, [key, policy.name]))
    if (cost > 0 && (verdict.isAllowed || verdict.wasAhead))
      verdict = await this.#write(place, key, policy, judge)
    verdict ??= this.#takeHere(key, policy, judge)
    const { isAllowed, remaining, resetAt, resetAfter, retryAfter } = verdict
    if (limitEvent.hasSubscribers) limitEvent.publish({ key, allowed: isAllowed, limit, remaining })
    return { allowed: isAllowed, limit, remaining, resetAt, resetAfter, retryAfter }
  }

  /** Forgets everything that was taken of a key. */
  async reset(key: string, options: { store?: Store } | undefined): Promise<void> {
    checkKey(key)
    const { store } = readOptions('cache.resetRateLimit', options, { store: readStore })
    for (const [name, row] of this.#keptHere) if (row.key === key) this.#keptHere.delete(name)
    await this.#places.of(store).write((tx) => {
      tx.run(deleteLimit, [key])
    })
  }

  #write(
    place: Place,
    key: string,
    policy: NamedPolicy,
    judge: (row: LimitRow | undefined) => Verdict,
  ): Promise<Verdict | undefined> {
    return place.write((tx) => {
      const row = tx.get<LimitRow>(selectLimit, [key, policy.name])
      const verdict = judge(row)
      if (verdict.isAllowed || verdict.wasAhead) this.#put(tx, place, key, policy, row, verdict)
      return verdict
    })
  }

  #put(
    tx: Transaction,
    place: Place,
    key: string,
    policy: NamedPolicy,
    row: LimitRow | undefined,
    verdict: Verdict,
  ): void {
    // The end is written down with some time to spare, so that it, and its index, need not be written each time.
    if (row !== undefined && row.ends_at >= verdict.resetAt) {
      tx.run(updateLimit, [verdict.state, key, policy.name])
      return
    }
    const endsAt = verdict.resetAt + policy.window
    tx.run(putLimit, [key, policy.name, endsAt, verdict.state])
    if (row === undefined) this.#added(tx, place, endsAt)
  }

  #added(tx: Transaction, place: Place, endsAt: number): void {
    const { clock, sweeper, bound, maxBytes } = this.#engine
    tx.run(sweepLimits, [clock.now(), sweptAtOnce])
    if (place.store === 'app') return
    sweeper.expect(endsAt)
    if (++this.#news % checkedEvery > 0) return
    bound.pages.measure(tx)
    bound.makeRoom(tx, checkedEvery * bytesOfLimit)
    // There is nothing else left to evict: those go that would be over first.
    if (bound.pages.bytes > maxBytes) tx.run(sweepLimits, [Number.MAX_SAFE_INTEGER, 2 * checkedEvery])
  }

  #takeHere(key: string, policy: NamedPolicy, judge: (row: LimitRow | undefined) => Verdict): Verdict {
    const name = `${policy.name} ${key}`
    const verdict = judge(this.#keptHere.get(name))
    if (!verdict.isAllowed) return verdict
    this.#keptHere.delete(name)
    if (this.#keptHere.size >= mostKeptHere) this.#keptHere.delete(this.#keptHere.keys().next().value!)
    this.#keptHere.set(name, { key, state: verdict.state, ends_at: verdict.resetAt })
    return verdict
  }
}

interface NamedPolicy extends Policy {
  /** Stands beside the key, so that one key may have several limits. */
  readonly name: string
}

function readWindow(value: unknown, name: string): number {
  const window = Math.round(parseDuration(value) ?? 0)
  if (window >= 1) return window
  throw option.invalidOption(
    name,
    "a duration of at least 1 ms, such as 500 (milliseconds), '30s', '5m'",
    value,
  )
}

function readLimit(value: unknown, name: string): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number
  throw option.invalidOption(name, `a whole number from 1 to ${most}`, value)
}
