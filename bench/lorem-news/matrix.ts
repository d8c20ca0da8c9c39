import type { Panel } from '../harness/chart.ts'
import type { Row, ScenarioContext } from '../harness/scenario.ts'
import { round } from '../harness/statistics.ts'
import type { StreamResult } from '../load/plan.ts'
import { modes } from './application.ts'
import type { Mode } from './application.ts'
import { mergedLatencies, throughput, withApplication } from './measure.ts'
import type { Route } from './requests.ts'

/** One cell: a route, in a mode, with so many processes and clients. */
export interface MatrixCell {
  readonly route: Route
  readonly mode: Mode
  readonly processes: number
  readonly clients: number
  readonly result: StreamResult
}

/** How much of the matrix is measured. */
export interface MatrixSize {
  readonly routes: readonly Route[]
  readonly processes: readonly number[]
  readonly clients: readonly number[]
  readonly seconds: number
}

/** Every mode at every number of clients and processes. The modes take turns; each starts with fresh data. */
export async function runMatrix(
  context: ScenarioContext,
  seeded: string,
  size: MatrixSize,
): Promise<MatrixCell[]> {
  const cells: MatrixCell[] = []
  for (const processes of size.processes) {
    for (const route of size.routes) {
      for (const mode of modes) {
        context.report(`${route}, ${processes} processes, ${mode}`)
        const run = { seeded, folder: context.folder, mode, processes, route }
        await withApplication(run, size.seconds / 2, async ({ closed }) => {
          for (const clients of size.clients) {
            cells.push({ route, mode, processes, clients, result: await closed(clients, size.seconds) })
          }
        })
      }
    }
  }
  return cells
}

/** The matrix as rows, one section per route and number of processes. */
export function matrixRows(cells: readonly MatrixCell[]): Row[] {
  return cells.map(({ route, mode, processes, clients, result }) => {
    const { p50, p99, max } = mergedLatencies([result])
    return {
      section: `${route}, ${processes} ${processes === 1 ? 'process' : 'processes'}`,
      mode,
      clients,
      'requests/s': round(throughput(result)),
      'failed %': round((100 * result.failed) / result.count),
      failed: result.failed,
      'gone (404)': result.gone,
      'p50 ms': p50,
      'p99 ms': p99,
      'max ms': max,
    }
  })
}

/** Requests a second, failures and p99 of `balanced`, by clients. */
export function matrixPanels(cells: readonly MatrixCell[], processes: number): Panel[] {
  const chosen = cells.filter((cell) => cell.route === 'balanced' && cell.processes === processes)
  const clients = [...new Set(chosen.map((cell) => cell.clients))]
  const panel = (
    title: string,
    unit: string,
    logarithmic: boolean,
    value: (result: StreamResult) => number,
  ): Panel => ({
    title: `balanced, ${processes} processes: ${title}`,
    kind: 'line',
    unit,
    logarithmic,
    categories: clients.map(String),
    series: modes.map((mode) => ({
      name: mode,
      values: chosen.filter((cell) => cell.mode === mode).map(({ result }) => round(value(result))),
    })),
  })
  return [
    panel('right answers by clients', 'requests/s', false, throughput),
    panel('failed by clients', '% of requests', false, (result) => (100 * result.failed) / result.count),
    panel('p99 by clients', 'ms', true, (result) => mergedLatencies([result]).p99),
    panel('slowest by clients', 'ms', true, (result) => mergedLatencies([result]).max),
  ]
}
