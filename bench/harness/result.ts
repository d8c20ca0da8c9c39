import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { renderChart } from './chart.ts'
import type { Machine, Versions } from './machine.ts'
import { benchmarksPage } from './page.ts'
import type { Row, ScenarioOutcome } from './scenario.ts'
import type { Target } from './targets.ts'

/** The shape of `bench/results/<scenario>.json`. */
export interface Result {
  readonly scenario: string
  readonly description: string
  readonly date: string
  readonly quick: boolean
  readonly seconds: number
  readonly machine: Machine
  readonly versions: Versions
  readonly notes: readonly string[]
  readonly rows: readonly Row[]
  readonly targets: readonly Target[]
}

/** Where results, charts and the page about them are kept. */
export interface ResultFolders {
  readonly results: string
  readonly charts: string
  readonly page: string
}

/** The committed places of this repository. */
export const committedFolders: ResultFolders = {
  results: fileURLToPath(new URL('../results', import.meta.url)),
  charts: fileURLToPath(new URL('../../docs/benchmarks', import.meta.url)),
  page: fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url)),
}

/**
 * Writes a result and, for a full run, its chart and the page about all results. A quick run goes into `<scenario>.quick.json`, which is not
 * committed, so that a look never replaces a figure. Returns the files written.
 */
export async function saveResult(
  result: Result,
  chart: ScenarioOutcome['chart'],
  folders: ResultFolders = committedFolders,
): Promise<string[]> {
  const file = join(folders.results, `${result.scenario}${result.quick ? '.quick' : ''}.json`)
  await write(file, `${JSON.stringify(result, undefined, 2)}\n`)
  if (result.quick) return [file]
  const picture = join(folders.charts, `${result.scenario}.svg`)
  await write(picture, renderChart(chart))
  await write(folders.page, await benchmarksPage(folders.results))
  return [file, picture, folders.page]
}

/** Whether a full result of this very commit is already there, so that `--resume` may pass over the scenario. */
export async function isFinished(
  scenario: string,
  commit: string,
  folders: ResultFolders = committedFolders,
): Promise<boolean> {
  const file = join(folders.results, `${scenario}.json`)
  if (!existsSync(file)) return false
  const result = JSON.parse(await readFile(file, 'utf8')) as Result
  return result.versions.commit === commit
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}
