import { AsyncLocalStorage } from 'node:async_hooks'
import type { Engine, Loop } from '../engine.ts'
import { pruneEvent, type PruneMessage } from '../events.ts'
import { pruneBatches, pruneJobs, type Place } from './prune-jobs.ts'
import { pruneRates, pruneTicks } from './prune-leftovers.ts'
import type { Keep } from './retention-options.ts'
import { SizeLimit } from './size-limit.ts'
import { Slices } from './slices.ts'
import { selectSurplus } from './sql.ts'

/** How often it is looked for what can go, in milliseconds; each process adds up to as much again, so that they take turns. */
const interval = 150_000
/** Free pages are given back when they are more than this part of the file, and then to this part of what is left. */
const free = { most: 0.25, kept: 0.1 }
/** A batch that is done is kept for so long at least, also when it has no jobs. */
const leastAgeOfBatch = 7 * 86_400_000
/** Fewer bytes of free pages than this are not worth it. */
const leastFree = 1_024 ** 2

/**
 * Deletes what nobody needs any more: jobs that have ended, done batches, ticks, rates. In slices of a few milliseconds, so that nobody
 * waits for it; when there is nothing to delete, nothing is written. What it has made free is given back to the file system once it is
 * a large part of the file.
 */
export class Pruner implements Loop {
  readonly #engine: Engine
  readonly #keep: readonly Keep[] | undefined
  readonly #sizes: ReadonlyMap<string, SizeLimit>
  #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<PruneMessage> | undefined

  /** @param keep What is kept of each state; `undefined`: everything. */
  constructor(engine: Engine, keep: readonly Keep[] | undefined) {
    this.#engine = engine
    this.#keep = keep
    this.#sizes = new Map(
      (keep ?? []).flatMap(({ state, size }) =>
        size === undefined ? [] : [[state, new SizeLimit(state, size)]],
      ),
    )
  }

  start(): void {
    const enter = AsyncLocalStorage.snapshot()
    this.#timer = setInterval(() => void enter(() => this.#look()), interval * (1 + Math.random())).unref()
  }

  /** Ends after the slice that runs. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#running?.catch(() => {})
    this.#stopping = new AbortController()
  }

  /** Looks for what can go, now. */
  async prune(): Promise<PruneMessage> {
    this.#running ??= this.#prune().finally(() => (this.#running = undefined))
    return await this.#running
  }

  async #look(): Promise<void> {
    try {
      await this.prune()
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      this.#engine.logger.warn({ error: String(error) }, 'old jobs could not be deleted')
    }
  }

  async #prune(): Promise<PruneMessage> {
    const { database, clock } = this.#engine
    const slices = new Slices(database, this.#stopping.signal)
    const report: PruneMessage = { jobs: 0, batches: 0, ticks: 0, bytes: 0 }
    const now = clock.now()
    await pruneRates(database, slices, now)
    if (this.#keep === undefined) return report
    let oldest = now - leastAgeOfBatch
    for (const keep of this.#keep) {
      for await (const until of this.#places(keep, slices, now)) {
        oldest = Math.min(oldest, until.finished_at)
        report.jobs += await pruneJobs(database, slices, keep.state, until, now)
      }
    }
    report.batches = await pruneBatches(database, slices, oldest)
    report.ticks = await pruneTicks(database, slices, now)
    report.bytes = await this.#shrink()
    if (pruneEvent.hasSubscribers && Object.values(report).some((count) => count > 0))
      pruneEvent.publish(report)
    return report
  }

  /** Up to where the jobs of a state are to go, by each of its limits. */
  async *#places({ state, age, count }: Keep, slices: Slices, now: number): AsyncGenerator<Place> {
    if (age !== undefined) yield { finished_at: now - age, id: Number.MAX_SAFE_INTEGER }
    if (count !== undefined) {
      const [place] = await slices.read<Place>(selectSurplus, [state, count])
      if (place !== undefined) yield place
    }
    const place = await this.#sizes.get(state)?.cut(slices)
    if (place !== undefined) yield place
  }

  async #shrink(): Promise<number> {
    const { database } = this.#engine
    const read = (name: string): number =>
      Object.values(database.get<Record<string, number>>(`pragma ${name}`)!)[0]!
    const [pages, unused, size] = [read('page_count'), read('freelist_count'), read('page_size')]
    if (unused < pages * free.most || unused * size < leastFree) return 0
    return database.shrink({
      keep: Math.ceil((pages - unused) * free.kept) * size,
      signal: this.#stopping.signal,
    })
  }
}
