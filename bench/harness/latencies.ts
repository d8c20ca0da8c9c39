import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import type { Histogram } from 'hdr-histogram-js'
import { round } from './statistics.ts'

/** A distribution of times, in milliseconds. */
export interface LatencySummary {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly p9999: number
  readonly max: number
}

const longestMicroseconds = 10 * 60 * 1_000_000

/**
 * An HDR histogram of times in milliseconds, kept in whole microseconds with three significant digits. It can be
 * sent between processes as text and merged without loss: percentiles are never averaged.
 */
export class Latencies {
  readonly #histogram: Histogram

  constructor(histogram: Histogram = emptyHistogram()) {
    this.#histogram = histogram
  }

  /** Merges the encoded histograms of several processes or rounds. */
  static merge(encoded: readonly string[]): Latencies {
    const merged = new Latencies()
    for (const text of encoded) merged.add(text)
    return merged
  }

  record(milliseconds: number): void {
    this.#histogram.recordValue(microseconds(milliseconds))
  }

  /**
   * Records a delay seen by something that wanted to happen every `interval` milliseconds, and all those that could
   * not even be attempted meanwhile: without them one stall of a second would be a single sample.
   */
  recordStall(milliseconds: number, interval: number): void {
    this.#histogram.recordValueWithExpectedInterval(microseconds(milliseconds), microseconds(interval))
  }

  add(encoded: string): void {
    this.#histogram.add(decodeFromCompressedBase64(encoded, 64))
  }

  get count(): number {
    return this.#histogram.totalCount
  }

  percentile(percent: number): number {
    return this.count === 0 ? 0 : round(this.#histogram.getValueAtPercentile(percent) / 1000)
  }

  summary(): LatencySummary {
    return {
      count: this.count,
      p50: this.percentile(50),
      p99: this.percentile(99),
      p999: this.percentile(99.9),
      p9999: this.percentile(99.99),
      max: this.count === 0 ? 0 : round(this.#histogram.maxValue / 1000),
    }
  }

  /** The histogram as text, to be merged by another process. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram)
  }
}

function emptyHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: longestMicroseconds,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 64,
  })
}

function microseconds(milliseconds: number): number {
  return Math.min(longestMicroseconds, Math.max(1, Math.round(milliseconds * 1000)))
}
