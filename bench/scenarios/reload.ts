import { join } from 'node:path'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import type { RequestPlan, StreamPlan, ToldRequest } from '../load/plan.ts'
import { runAudit } from '../lorem-news/application.ts'
import { Ledger } from '../lorem-news/ledger.ts'
import { requestFor } from '../lorem-news/requests.ts'
import { FreshNews } from '../production/fresh-news.ts'
import type { Place } from '../production/fresh-news.ts'
import { byPhase, phases } from '../production/phases.ts'
import { pointTo, reloadUnderLoad } from '../production/reloads.ts'
import type { ReloadPlan, ReloadsMeasured } from '../production/reloads.ts'
import { RunningApp } from '../production/running-app.ts'

const processes = 2
const read: RequestPlan = { method: 'GET', path: '/posts', statuses: [200], marker: '</html>' }
const write: RequestPlan = { ...requestFor('post_create'), follow: false }

interface Load {
  readonly name: string
  readonly streams: readonly StreamPlan[]
}

const paced: Load = {
  name: 'paced: 200 pages and 50 posts a second',
  streams: [
    { name: 'reads, kept connections', request: read, rate: 150 },
    { name: 'reads, new connections', request: read, rate: 50, newConnections: true },
    { name: 'writes, kept connections', request: write, rate: 40 },
    { name: 'writes, new connections', request: write, rate: 10, newConnections: true },
  ],
}
const saturated: Load = {
  name: 'saturated: 12 clients that never pause',
  streams: [
    { name: 'reads, kept connections', request: read, clients: 3 },
    { name: 'reads, new connections', request: read, clients: 3, newConnections: true },
    { name: 'writes, kept connections', request: write, clients: 3 },
    { name: 'writes, new connections', request: write, clients: 3, newConnections: true },
  ],
}
const loads = [paced, saturated]

export const scenario: Scenario = {
  description: 'What do users notice of a reload?',
  minutes: 8,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const reloads = context.quick ? 3 : 20
  const rest = context.quick ? 1 : 4
  context.report('building handcar, seeding Lorem News')
  const news = await FreshNews.make(context.folder)
  const releases = [await news.installation.loremNews('one'), await news.installation.loremNews('two')]
  const found = new Map<Load, ReloadsMeasured>()
  for (const load of loads) {
    context.report(`${reloads} reloads, ${load.name}`)
    const link = join(context.folder, 'current')
    await pointTo(link, releases[0]!)
    found.set(load, await measure(news, { streams: load.streams, link, releases, reloads, rest }))
  }
  const all = [...found.values()]
  const failed = all.flatMap(({ results }) => results).reduce((sum, result) => sum + result.failed, 0)
  return {
    rows: [
      ...[...found].map(([load, measured]) => timesRow(load, measured)),
      ...[...found].flatMap(phaseRows),
    ],
    targets: [
      target(`failed requests in ${loads.length} × ${reloads} reloads`, failed, '≤', 0, '', outcomesOf(all)),
      target(
        'old processes that had to be killed',
        all.reduce((sum, { killed }) => sum + killed, 0),
        '≤',
        0,
      ),
    ],
    notes: [
      `Lorem News with ${processes} web processes, built and installed; each reload from the other of two release folders, with a process that prepares it; ${rest} s of rest between reloads`,
      'the client never tries again; half of it keeps its connections, half opens one for each request. Client, old and new processes share the cores',
      'paced: an open loop, a time counts from when the request was due; saturated: a closed loop, so that the start of new processes takes cores from the old ones',
      ...[...found].map(noteOf),
      'every answer was checked; every acknowledged post is in the database, and the example’s audit is clean',
    ],
    chart: {
      title: 'Reloading',
      subtitle: 'requests by what was going on; lower is better',
      panels: [...found].map(([load, measured]) => {
        const found = byPhase(requestsOf(measured), measured.times)
        return {
          title: load.name,
          kind: 'bar',
          unit: 'ms',
          logarithmic: true,
          categories: ['p50', 'p99', 'p99.9', 'max'],
          series: phases.map((phase) => {
            const { p50, p99, p999, max } = found.get(phase)!
            return { name: phase, values: [p50, p99, p999, max] }
          }),
        }
      }),
    },
  }
}

/** Stops the app afterwards, and audits what it was told to write. */
async function measure(news: FreshNews, plan: ReloadPlan): Promise<ReloadsMeasured> {
  await using place = await news.place()
  const ledger = new Ledger(join(place.data, 'app.sqlite3'))
  const measured = await whileServing(news, place, plan)
  const acknowledged = measured.results.flatMap((result) => result.acknowledged)
  const unanswered = measured.results.reduce((sum, { failed }) => sum + failed, 0)
  ledger.audit({ acknowledged: [...measured.createdBefore, ...acknowledged], unanswered })
  ledger.auditNoneDestroyed()
  await runAudit(place.data)
  return measured
}

async function whileServing(news: FreshNews, place: Place, plan: ReloadPlan): Promise<ReloadsMeasured> {
  const options = news.options(place, { processes, folder: plan.link })
  const environment = { ...options.environment, LOREM_NEWS_BENCHMARKING: '1' }
  await using app = await RunningApp.start({ ...options, environment })
  return await reloadUnderLoad(app, plan)
}

function requestsOf({ results }: ReloadsMeasured): ToldRequest[] {
  return results.flatMap(({ requests }) => requests)
}

function timesRow(load: Load, { times }: ReloadsMeasured): Row {
  const served = times.map((reload) => reload.served - reload.begun)
  const ended = times.map((reload) => reload.ended - reload.begun)
  return {
    section: 'the reload itself, milliseconds since it was asked for',
    load: load.name,
    reloads: times.length,
    'new processes serve': round(median(served)),
    'serve min–max': spread(served),
    'old processes gone': round(median(ended)),
    'gone min–max': spread(ended),
  }
}

function phaseRows([load, { results, times }]: [Load, ReloadsMeasured]): Row[] {
  const row = (name: string, requests: readonly ToldRequest[]): Row[] =>
    [...byPhase(requests, times)].map(([phase, { count, failed, p50, p99, p999, max }]) => ({
      section: load.name,
      stream: name,
      phase,
      requests: count,
      failed,
      'p50 ms': p50,
      'p99 ms': p99,
      'p99.9 ms': p999,
      'longest ms': max,
    }))
  return [
    ...results.flatMap(({ name, requests }) => row(name, requests)),
    ...row(
      'all',
      results.flatMap(({ requests }) => requests),
    ),
  ]
}

function noteOf([load, measured]: [Load, ReloadsMeasured]): string {
  const found = byPhase(requestsOf(measured), measured.times)
  const { 'new processes serve': serve, 'old processes gone': gone } = timesRow(load, measured)
  const each = phases.map(
    (phase) => `${phase} ${found.get(phase)!.p99} ms, longest ${found.get(phase)!.max} ms`,
  )
  return `${load.name}: the new processes serve after ${String(serve)} ms, the old ones are gone after ${String(gone)} ms; p99: ${each.join('; ')}`
}

function outcomesOf(all: readonly ReloadsMeasured[]): string {
  const counts = new Map<string, number>()
  for (const { outcome, hasFailed } of all.flatMap(requestsOf))
    if (hasFailed) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const requests = all.flatMap(requestsOf).length
  const failures = [...counts].map(([outcome, count]) => `${count} × ${outcome}`).join(', ')
  return `of ${requests} requests${failures ? `: ${failures}` : ''}`
}
