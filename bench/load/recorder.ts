import { Latencies } from '../harness/latencies.ts'
import type { Exchange } from './exchange.ts'
import type { StreamPlan, StreamResult, ToldRequest } from './plan.ts'

/** Collects what became of the requests of one stream. */
export class Recorder {
  readonly #stream: Pick<StreamPlan, 'name' | 'tellsRequests'>
  readonly #started = performance.now()
  readonly #all = new Latencies()
  readonly #byOutcome = new Map<string, { count: number; latencies: Latencies }>()
  readonly #verdicts = { right: 0, gone: 0, failed: 0 }
  readonly #acknowledged: string[] = []
  readonly #requests: ToldRequest[] = []

  constructor(stream: Pick<StreamPlan, 'name' | 'tellsRequests'>) {
    this.#stream = stream
  }

  /** Records one request that was due, or sent, at `since` (of `performance.now()`) and has just ended. */
  record({ outcome, verdict, acknowledged }: Exchange, since: number): void {
    const milliseconds = performance.now() - since
    this.#all.record(milliseconds)
    this.#verdicts[verdict]++
    if (acknowledged !== undefined) this.#acknowledged.push(acknowledged)
    let entry = this.#byOutcome.get(outcome)
    if (!entry) this.#byOutcome.set(outcome, (entry = { count: 0, latencies: new Latencies() }))
    entry.count++
    entry.latencies.record(milliseconds)
    if (!this.#stream.tellsRequests) return
    const hasFailed = verdict === 'failed'
    this.#requests.push({ since: performance.timeOrigin + since, milliseconds, outcome, hasFailed })
  }

  result(): StreamResult {
    const entries = [...this.#byOutcome]
    return {
      name: this.#stream.name,
      seconds: (performance.now() - this.#started) / 1000,
      count: this.#all.count,
      ...this.#verdicts,
      outcomes: Object.fromEntries(entries.map(([outcome, { count }]) => [outcome, count])),
      latencies: this.#all.encode(),
      latenciesByOutcome: Object.fromEntries(
        entries.map(([outcome, { latencies }]) => [outcome, latencies.encode()]),
      ),
      acknowledged: this.#acknowledged,
      requests: this.#requests,
    }
  }
}
