import { createHistogram } from 'node:perf_hooks'

/** A summary of recorded values, in the unit in which they were recorded. */
export interface HistogramSummary {
  count: number
  mean: number
  p50: number
  p99: number
  p999: number
  max: number
}

/** Counts values into buckets with three significant digits (an HDR histogram), in constant memory. */
export class Histogram {
  readonly #histogram = createHistogram({ figures: 3 })
  readonly #scale: number

  /** @param scale How many steps one unit is divided into. Default: 1,000, so milliseconds are kept to the microsecond. */
  constructor(scale = 1_000) {
    this.#scale = scale
  }

  /** Records one value; anything below the smallest step counts as that step. */
  record(value: number): void {
    this.#histogram.record(Math.max(1, Math.round(value * this.#scale)))
  }

  /** What was recorded since the beginning; zeros when nothing was. */
  summary(): HistogramSummary {
    const histogram = this.#histogram
    if (histogram.count === 0) return { count: 0, mean: 0, p50: 0, p99: 0, p999: 0, max: 0 }
    const percentile = (share: number): number => histogram.percentile(share) / this.#scale
    return {
      count: histogram.count,
      mean: Number((histogram.mean / this.#scale).toFixed(3)),
      p50: percentile(50),
      p99: percentile(99),
      p999: percentile(99.9),
      max: histogram.max / this.#scale,
    }
  }
}
