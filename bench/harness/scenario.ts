import type { Chart } from './chart.ts'
import type { Target } from './targets.ts'

/** One line of a result. Rows of the same `section` have the same columns and are printed as one table. */
export interface Row {
  readonly section: string
  readonly [column: string]: string | number | boolean | null
}

/** What a scenario is given. */
export interface ScenarioContext {
  /** Whether to end within a minute, for a look rather than for a figure. */
  readonly quick: boolean
  /** A folder of its own, on the disk that is measured; removed afterwards. */
  readonly folder: string
  /** Tells the person who waits what is happening. */
  report(line: string): void
}

/** What a scenario found. */
export interface ScenarioOutcome {
  readonly rows: readonly Row[]
  readonly targets: readonly Target[]
  /** Everything that a reader of the figures has to know: pinning, durations, what was skipped and why. */
  readonly notes: readonly string[]
  readonly chart: Chart
}

/** One file in `bench/scenarios/`, exported as `scenario`; its name is the file's. */
export interface Scenario {
  /** One sentence: the question that it answers. */
  readonly description: string
  /** How long a full run takes. */
  readonly minutes: number
  run(context: ScenarioContext): Promise<ScenarioOutcome>
}
