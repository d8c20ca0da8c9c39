import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProcess } from '../harness/child.ts'
import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import type { LoadHandlers } from '../load/load-process.ts'
import type { RequestPlan, StreamPlan, ToldRequest } from '../load/plan.ts'
import { Ledger } from '../lorem-news/ledger.ts'
import { requestFor } from '../lorem-news/requests.ts'
import { addNothingJob, Backlog } from '../production/backlog.ts'
import { FreshNews } from '../production/fresh-news.ts'
import { RunningApp } from '../production/running-app.ts'

const loadFile = new URL('../load/load-process.ts', import.meta.url)
const jobs = 100_000
const longestSeconds = 600

const read: RequestPlan = { method: 'GET', path: '/posts', statuses: [200], marker: '</html>' }
const write: RequestPlan = { ...requestFor('post_create'), follow: false }
const streams: readonly StreamPlan[] = [
  { name: 'pages', request: read, rate: 100, tellsRequests: true },
  { name: 'posts', request: write, rate: 25, tellsRequests: true },
]

/** Where the jobs are performed. */
const places = [
  { name: 'in the web process', jobsProcesses: 0 },
  { name: 'in a jobs process', jobsProcesses: 1 },
] as const
const phases = ['at rest', 'draining'] as const

type Place = (typeof places)[number]
type Phase = (typeof phases)[number]

/** What users noticed in one round: milliseconds per request. */
interface Noticed {
  readonly seconds: number
  readonly failed: number
  /** By stream and phase. */
  readonly times: ReadonlyMap<string, readonly number[]>
}

export const scenario: Scenario = {
  description: `What do users notice of ${jobs.toLocaleString('en')} jobs that are performed beside them?`,
  minutes: 5,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 5
  const rest = context.quick ? 2 : 5
  context.report('building handcar, seeding Lorem News')
  const news = await FreshNews.make(context.folder)
  await addNothingJob(news.app)
  const measured = await interleave(rounds, places, async (place, round) => {
    context.report(`round ${round} of ${rounds}: ${place.name}`)
    return await measure(news, place, rest)
  })
  const p99s = (place: Place, stream: string, phase: Phase): number[] =>
    measured.get(place)!.map(({ times }) => summaryOf([times.get(keyOf(stream, phase)) ?? []]).p99)
  const merged = (place: Place, stream: string, phase: Phase): LatencySummary =>
    summaryOf(measured.get(place)!.map(({ times }) => times.get(keyOf(stream, phase)) ?? []))
  const failed = [...measured.values()].flat().reduce((sum, each) => sum + each.failed, 0)
  return {
    rows: places.flatMap((place) =>
      streams.flatMap(({ name }) =>
        phases.map((phase): Row => {
          const { count, p50, p99, p999, max } = merged(place, name, phase)
          return {
            section: `jobs ${place.name}`,
            requests: name,
            phase,
            count,
            'p50 ms': p50,
            'p99 ms': p99,
            'min–max of p99': spread(p99s(place, name, phase)),
            'p99.9 ms': p999,
            'max ms': max,
          }
        }),
      ),
    ),
    targets: [
      ...places.flatMap((place) =>
        streams.map(({ name }) => {
          const [before, during] = [p99s(place, name, 'at rest'), p99s(place, name, 'draining')]
          const ratio = merged(place, name, 'draining').p99 / merged(place, name, 'at rest').p99
          const perRound = during.map((p99, index) => p99 / before[index]!)
          return target(`${place.name}: p99 of ${name} while draining`, ratio, '<', 2, '×', spread(perRound))
        }),
      ),
      target('failed requests', failed, '≤', 0),
    ],
    notes: [
      `Lorem News by handcar start, built and installed, one web process; ${rounds} rounds, interleaved, each on a fresh copy of its data; percentiles of all requests of all rounds`,
      `an open loop of ${streams.map(({ name, rate }) => `${rate} ${name}`).join(' and ')} a second; a time counts from when the request was due. At rest: ${rest} s with the ${jobs} jobs enqueued and their queue paused; draining: from its resumption until all are performed`,
      'the jobs do nothing, so that they come as fast as handcar can perform them: the worst case for those beside them. The slots are the default',
      ...places.map((place) => {
        const seconds = measured.get(place)!.map((each) => each.seconds)
        return `${place.name}: ${round(jobs / median(seconds))} jobs/s beside the requests (${round(median(seconds))} s)`
      }),
      'client, web and jobs process share the cores; every answer was checked, every acknowledged post is in the database, and each job was performed exactly once, by its row',
    ],
    chart: {
      title: 'Requests beside jobs',
      subtitle: 'p99; lower is better',
      panels: places.map((place) => ({
        title: place.name,
        kind: 'bar' as const,
        unit: 'p99 ms',
        categories: streams.map(({ name }) => name),
        series: phases.map((phase) => ({
          name: phase,
          values: streams.map(({ name }) => merged(place, name, phase).p99),
        })),
      })),
    },
  }
}

async function measure(news: FreshNews, { jobsProcesses }: Place, rest: number): Promise<Noticed> {
  await using place = await news.place()
  const path = join(place.data, 'app.sqlite3')
  const ledger = new Ledger(path)
  const options = news.options(place, { processes: 1 })
  const environment = {
    ...options.environment,
    LOREM_NEWS_BENCHMARKING: '1',
    JOBS_CONCURRENCY: String(jobsProcesses),
  }
  await using app = await RunningApp.start({ ...options, environment })
  await using client = startProcess<LoadHandlers>(loadFile)
  const { origin } = app
  const warmUp = await client.call('load', { origin, streams, seconds: rest })
  await using backlog = await Backlog.fill(path, jobs)
  await sleep(1000)
  const load = client.call('load', { origin, streams, seconds: longestSeconds })
  const restsAt = timestamp()
  await sleep(rest * 1000)
  const drainsAt = timestamp()
  await backlog.release()
  const endedAt = timestamp()
  await client.call('stop', undefined)
  const results = await load
  backlog.check()
  const all = [...warmUp, ...results]
  const failed = all.reduce((sum, result) => sum + result.failed, 0)
  ledger.audit({ acknowledged: all.flatMap(({ acknowledged }) => acknowledged), unanswered: failed })
  const within = (from: number, to: number, requests: readonly ToldRequest[]): number[] =>
    requests.filter(({ since }) => since >= from && since < to).map(({ milliseconds }) => milliseconds)
  const times = new Map(
    results.flatMap(({ name, requests }) => [
      [keyOf(name, 'at rest'), within(restsAt, drainsAt, requests)] as const,
      [keyOf(name, 'draining'), within(drainsAt, endedAt, requests)] as const,
    ]),
  )
  return { seconds: (endedAt - drainsAt) / 1000, failed, times }
}

function keyOf(stream: string, phase: Phase): string {
  return `${stream}, ${phase}`
}

function summaryOf(times: readonly (readonly number[])[]): LatencySummary {
  const latencies = new Latencies()
  for (const milliseconds of times.flat()) latencies.record(milliseconds)
  return latencies.summary()
}

function timestamp(): number {
  return performance.timeOrigin + performance.now()
}
