import { join } from 'node:path'
import { exists } from '../harness/pin.ts'
import { Latencies } from '../harness/latencies.ts'
import type { Row, ScenarioContext } from '../harness/scenario.ts'
import { median, round, spread } from '../harness/statistics.ts'
import { target, untested } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import { reseed, runAudit, startApplication } from './application.ts'
import { runHey } from './hey.ts'
import type { HeyReport } from './hey.ts'
import { Ledger } from './ledger.ts'
import { routes } from './requests.ts'
import type { Route } from './requests.ts'

/** As the talks ran it. */
const clients = 20

/** What is run with `hey`, always in handcar mode. */
interface HeyCell {
  readonly route: Route
  readonly processes: number
  readonly follow: boolean
}

/** The runs of one cell. */
export interface HeyRuns extends HeyCell {
  readonly reports: readonly HeyReport[]
}

/** How many runs of each cell there are, and how long. */
export interface HeySize {
  readonly runs: number
  readonly seconds: number
  /** With how many processes redirects are followed. */
  readonly followed: readonly number[]
  /** With how many processes they are not. */
  readonly notFollowed: readonly number[]
}

/** Why there are no runs of `hey` here; undefined where it is installed. */
export function heyIsMissing(): string | undefined {
  return exists('hey') ? undefined : 'hey is not installed (Debian: apt-get install hey)'
}

/** `hey -c 20 -z 10s -m POST`, so many runs of each cell, interleaved, on fresh data each. */
export async function runHeyCells(
  context: ScenarioContext,
  seeded: string,
  size: HeySize,
): Promise<HeyRuns[]> {
  if (heyIsMissing()) return []
  const cell = (route: Route, processes: number, follow: boolean) => ({
    route,
    processes,
    follow,
    reports: [] as HeyReport[],
  })
  const cells = routes.flatMap((route) => [
    ...size.followed.map((processes) => cell(route, processes, true)),
    ...size.notFollowed.map((processes) => cell(route, processes, false)),
  ])
  for (let run = 1; run <= size.runs; run++) {
    for (const cell of cells) {
      context.report(`hey, run ${run} of ${size.runs}: ${nameOf(cell)}`)
      cell.reports.push(await runOnce(context.folder, seeded, cell, size.seconds))
    }
  }
  return cells
}

async function runOnce(folder: string, seeded: string, cell: HeyCell, seconds: number): Promise<HeyReport> {
  const { route, processes, follow } = cell
  const data = await reseed(seeded, folder)
  const ledger = new Ledger(join(data, 'app.sqlite3'))
  const report = await serveHey(data, cell, seconds, follow)
  const answered = report.statuses[follow ? 200 : 302] ?? 0
  if (route === 'post_create') {
    const unanswered = ledger.postsCreated() - answered
    if (unanswered < 0 || unanswered > clients) {
      throw new Error(
        `hey: ${answered} creates were answered with ${processes} processes, ${ledger.postsCreated()} are there`,
      )
    }
    ledger.auditNoneDestroyed()
  }
  await runAudit(data)
  return report
}

async function serveHey(
  data: string,
  { route, processes }: HeyCell,
  seconds: number,
  follow: boolean,
): Promise<HeyReport> {
  await using application = await startApplication({ mode: 'handcar', processes, data })
  const url = `${application.origin}/benchmarking/${route}`
  return await runHey({ url, clients, seconds, follow, pin: processes === 1 })
}

/** The runs as rows. */
export function heyRows(cells: readonly HeyRuns[]): Row[] {
  return cells.map((cell) => {
    const rates = cell.reports.map(({ perSecond }) => perSecond)
    const { p50, p99, p9999, max } = times(cell)
    return {
      section: `hey -c ${clients} -m POST, handcar`,
      route: cell.route,
      processes: cell.processes,
      redirects: cell.follow ? 'followed' : 'not followed',
      'requests/s': round(median(rates)),
      'min–max': spread(rates),
      statuses: statusesOf(cell),
      'p50 ms': p50,
      'p99 ms': p99,
      'p99.99 ms': p9999,
      'max ms': max,
    }
  })
}

/** The talks' best figures, on their 10 cores. */
export function heyTargets(cells: readonly HeyRuns[]): Target[] {
  const reason = heyIsMissing()
  if (reason)
    return [untested('hey: Lorem News on 2 cores', '> 1358 balanced, > 1017 post_create requests/s', reason)]
  return [
    ...best(cells, 'balanced', (cell, note) => [
      target('hey: balanced requests/s', rateOf(cell), '>', 1358, '/s', note),
      target('hey: balanced p99', times(cell).p99, '<', 59, 'ms', note),
    ]),
    ...best(cells, 'post_create', (cell, note) => [
      target('hey: post_create requests/s', rateOf(cell), '>', 1017, '/s', note),
      target('hey: post_create p99.99', times(cell).p9999, '<', 242, 'ms', note),
    ]),
  ]
}

/** The faster of one and two processes, redirects followed as in the talks. */
function best(
  cells: readonly HeyRuns[],
  route: Route,
  targets: (cell: HeyRuns, note: string) => Target[],
): Target[] {
  const candidates = cells.filter((cell) => cell.route === route && cell.follow)
  const fastest = candidates.toSorted((left, right) => rateOf(right) - rateOf(left))[0]!
  return targets(fastest, `${nameOf(fastest)}; client and server share 2 cores, the talks had 10`)
}

function rateOf({ reports }: HeyRuns): number {
  return median(reports.map(({ perSecond }) => perSecond))
}

function times({ reports }: HeyRuns): ReturnType<Latencies['summary']> {
  return Latencies.merge(reports.map(({ latencies }) => latencies)).summary()
}

function statusesOf({ reports }: HeyRuns): string {
  const sums = new Map<string, number>()
  for (const { statuses } of reports) {
    for (const [status, count] of Object.entries(statuses)) sums.set(status, (sums.get(status) ?? 0) + count)
  }
  return [...sums].map(([status, count]) => `${count} × ${status}`).join(', ')
}

function nameOf({ route, processes, follow }: HeyCell): string {
  return `${route}, ${processes} ${processes === 1 ? 'process' : 'processes'}${follow ? '' : ', redirects not followed'}`
}
