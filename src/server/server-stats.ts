import { createHistogram } from 'node:perf_hooks'
import type { HistogramSummary } from '../core/index.ts'

/** What a server has done and is doing. */
export interface ServerStats {
  /** Requests that were answered or given up by their clients since the start. */
  requests: number
  /** Requests in flight. */
  active: number
  /** Open connections, WebSockets included. */
  connections: number
  /** Answers by class: `{ '2xx': 12, '4xx': 1 }`. Clients that left before an answer count as `4xx` (status 499). */
  statuses: Record<string, number>
  /** Time from a request's head to the end of its answer, in milliseconds, of the last minute; without event streams. */
  latency: HistogramSummary
  /** Over the last 10 to 20 seconds. */
  requestsPerSecond: number
}

/** Each slot counts ten seconds: six and the one that runs make the last minute. */
const slotDuration = 10_000
const slotCount = 7
/** Latencies are counted in microseconds, to two digits, up to an hour: 30 kB for each slot. */
const precision = { lowest: 1, highest: 3_600_000_000, figures: 2 }

/** Counts requests; a few nanoseconds each, no timer, constant memory. */
export class RequestCounter {
  requests = 0
  readonly #classes = new Uint32Array(6)
  readonly #slots = Array.from({ length: slotCount }, () => ({
    number: -1,
    requests: 0,
    latency: createHistogram(precision),
  }))
  readonly #startedAt = performance.now()

  /**
   * Counts a request that ended.
   *
   * @param now From `performance.now()`.
   * @param duration In milliseconds; `undefined` when it says nothing about latency.
   */
  record(status: number, now: number, duration: number | undefined): void {
    const number = Math.floor(now / slotDuration)
    const slot = this.#slots[number % slotCount]!
    if (slot.number !== number) {
      slot.number = number
      slot.requests = 0
      slot.latency.reset()
    }
    this.requests++
    slot.requests++
    this.#classes[Math.min(5, Math.floor(status / 100))]!++
    if (duration !== undefined)
      slot.latency.record(Math.max(1, Math.min(Math.round(duration * 1_000), precision.highest)))
  }

  /** Answers by class, such as `{ '2xx': 12 }`. */
  statuses(): Record<string, number> {
    const statuses: Record<string, number> = {}
    for (const [index, count] of this.#classes.entries()) if (count > 0) statuses[`${index}xx`] = count
    return statuses
  }

  /** The last minute before `now`. */
  latency(now = performance.now()): HistogramSummary {
    const oldest = Math.floor(now / slotDuration) - slotCount
    const merged = createHistogram(precision)
    for (const { number, latency } of this.#slots) if (number > oldest) merged.add(latency)
    if (merged.count === 0) return { count: 0, mean: 0, p50: 0, p99: 0, p999: 0, max: 0 }
    const percentile = (share: number): number => merged.percentile(share) / 1_000
    return {
      count: merged.count,
      mean: Number((merged.mean / 1_000).toFixed(3)),
      p50: percentile(50),
      p99: percentile(99),
      p999: percentile(99.9),
      max: merged.max / 1_000,
    }
  }

  /** Requests in each second of the slot that runs and the one before it. */
  requestsPerSecond(): number {
    const now = performance.now()
    const current = Math.floor(now / slotDuration)
    const from = Math.max((current - 1) * slotDuration, this.#startedAt)
    const requests = this.#slots
      .filter(({ number }) => number === current || number === current - 1)
      .reduce((sum, slot) => sum + slot.requests, 0)
    return Number((requests / (Math.max(1_000, now - from) / 1_000)).toFixed(1))
  }
}
