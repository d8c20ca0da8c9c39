import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { auditWrites } from '../harness/audit.ts'
import { startProcess } from '../harness/child.ts'
import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import type { LoadHandlers } from '../load/load-process.ts'
import type { StreamPlan, StreamResult } from '../load/plan.ts'
import type { CoordinatorHandlers } from '../processes/coordinator-process.ts'
import type { HogHandlers, HogKind } from '../processes/hog-process.ts'
import { createStore } from '../processes/stores.ts'
import type { StoreKind } from '../processes/stores.ts'
import type { WebHandlers } from '../processes/web-process.ts'

const fileOf = (name: string): URL => new URL(name, import.meta.url)
const webFile = fileOf('../processes/web-process.ts')
const hogFile = fileOf('../processes/hog-process.ts')
const coordinatorFile = fileOf('../processes/coordinator-process.ts')
const loadFile = fileOf('../load/load-process.ts')

const modes: readonly StoreKind[] = ['immediate-timeout', 'immediate-retry', 'handcar']
const hogs: readonly HogKind[] = ['stranger', 'handcar', 'holder']
const hogNames: Record<HogKind, string> = {
  stranger: 'a stranger writes 3–6 ms transactions',
  handcar: 'a handcar process writes 5 ms transactions',
  holder: 'a stranger holds the lock for 1 s, every 2 s',
}
const streams: readonly StreamPlan[] = [
  { name: 'reads', rate: 400, request: { method: 'GET', path: '/read', statuses: [200], marker: 'Post ' } },
  {
    name: 'writes',
    rate: 40,
    request: { method: 'POST', path: '/write', statuses: [200], acknowledgedBy: 'body' },
  },
]

interface Cell {
  readonly hog: HogKind
  readonly mode: StoreKind
}

interface Length {
  readonly seconds: number
  readonly patience: number
}

interface Measurement {
  readonly reads: StreamResult
  readonly writes: StreamResult
  readonly delay: LatencySummary
  readonly hogPerSecond: number
  readonly held: LatencySummary
}

export const scenario: Scenario = {
  description:
    'What does a web process suffer while another process writes without pause, or holds the lock?',
  minutes: 4,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const seconds = context.quick ? 2 : 6
  const patience = context.quick ? 4000 : 10_000
  const template = join(context.folder, 'template.sqlite3')
  createStore(template)
  const cells = hogs.flatMap((hog) => modes.map((mode): Cell => ({ hog, mode })))
  const measurements = await interleave(rounds, cells, async (cell, round) => {
    context.report(`round ${round} of ${rounds}: ${hogNames[cell.hog]}; web process: ${cell.mode}`)
    const folder = join(context.folder, `${round}-${cell.hog}-${cell.mode}`)
    await mkdir(folder)
    return await measure(join(folder, 'app.sqlite3'), template, cell, { seconds, patience })
  })
  const of = (hog: HogKind, mode: StoreKind): readonly Measurement[] =>
    measurements.get(cells.find((cell) => cell.hog === hog && cell.mode === mode)!)!
  return {
    rows: [...measurements].map(([cell, found]) => toRow(cell, found)),
    targets: targets(of),
    notes: [
      'one web process (node:http) under an open loop of 400 reads and 40 writes a second; a time counts from when the request was due',
      `${rounds} rounds of ${seconds} s, interleaved, each on a fresh file; web process, hog, coordinator and client are processes of their own and share the cores, not pinned`,
      'handcar with its default durability (disk); the other modes at synchronous=normal, which does not wait for the disk',
      `a write = read a post, insert an indexed comment, count it; a wait for the lock of more than 5 s is a 500, an answer later than ${patience / 1000} s is none`,
      'the processes are killed at the end, not stopped: what was acknowledged has to be there all the same',
      'every answer was checked; every acknowledged write was found exactly once',
    ],
    chart: {
      title: 'Beside a busy writer',
      subtitle: '400 reads and 40 writes a second at one web process; lower is better',
      panels: hogs.map((hog) => ({
        title: hogNames[hog],
        kind: 'bar' as const,
        unit: 'ms',
        logarithmic: true,
        categories: ['read p99', 'write p50', 'write p99', 'loop delay p99'],
        series: modes.map((mode) => {
          const { read, write, delay } = figures(of(hog, mode))
          return { name: mode, values: [read.p99, write.p50, write.p99, delay.p99] }
        }),
      })),
    },
  }
}

async function measure(path: string, template: string, cell: Cell, length: Length): Promise<Measurement> {
  await copyFile(template, path)
  const measurement = await disturb(path, cell, length)
  auditWrites(path, 'comments', measurement.writes.acknowledged)
  return measurement
}

async function disturb(
  path: string,
  { hog: kind, mode }: Cell,
  { seconds, patience }: Length,
): Promise<Measurement> {
  await using resources = new AsyncDisposableStack()
  if (mode === 'handcar' || kind === 'handcar') {
    const coordinator = resources.use(startProcess<CoordinatorHandlers>(coordinatorFile))
    await coordinator.call('start', { path })
  }
  const web = resources.use(startProcess<WebHandlers>(webFile))
  const client = resources.use(startProcess<LoadHandlers>(loadFile))
  const origin = await web.call('start', { path, kind: mode })
  await client.call('load', { origin, seconds: 0.5, streams })
  const hog = resources.use(startProcess<HogHandlers>(hogFile))
  await hog.call('start', { path, kind })
  await web.call('watch', undefined)
  const [reads, writes] = await client.call('load', { origin, seconds, streams, timeout: patience })
  const delay = await web.call('seen', undefined)
  const { transactions, held } = await hog.call('stop', undefined)
  return {
    reads: reads!,
    writes: writes!,
    delay,
    hogPerSecond: transactions / writes!.seconds,
    held: Latencies.merge([held]).summary(),
  }
}

interface Figures {
  readonly read: LatencySummary
  readonly write: LatencySummary
  readonly delay: { readonly p99: number; readonly max: number; readonly spread: string }
}

function figures(found: readonly Measurement[]): Figures {
  const delays = found.map(({ delay }) => delay.p99)
  return {
    read: Latencies.merge(found.map(({ reads }) => reads.latencies)).summary(),
    write: Latencies.merge(found.map(({ writes }) => writes.latencies)).summary(),
    delay: {
      p99: round(median(delays)),
      max: Math.max(...found.map(({ delay }) => delay.max)),
      spread: spread(delays),
    },
  }
}

function toRow({ hog, mode }: Cell, found: readonly Measurement[]): Row {
  const { read, write, delay } = figures(found)
  const sum = (value: (measurement: Measurement) => number): number =>
    found.map(value).reduce((a, b) => a + b, 0)
  return {
    section: hogNames[hog],
    mode,
    failed: sum(({ reads, writes }) => reads.failed + writes.failed),
    'read p50 ms': read.p50,
    'read p99 ms': read.p99,
    'read max ms': read.max,
    'write p50 ms': write.p50,
    'write p99 ms': write.p99,
    'write max ms': write.max,
    'writes/s': round(sum(({ writes }) => writes.right) / sum(({ writes }) => writes.seconds)),
    'loop delay p99 ms': delay.p99,
    'min–max': delay.spread,
    'loop delay max ms': delay.max,
    'hog tx/s': round(median(found.map(({ hogPerSecond }) => hogPerSecond))),
    'hog p99 ms': round(median(found.map(({ held }) => held.p99))),
  }
}

function targets(of: (hog: HogKind, mode: StoreKind) => readonly Measurement[]): Target[] {
  const each = (hog: HogKind, value: (measurement: Measurement) => number): number[] =>
    of(hog, 'handcar').map(value)
  const readP99 = ({ reads }: Measurement): number => Latencies.merge([reads.latencies]).percentile(99)
  const write = ({ writes }: Measurement): LatencySummary => Latencies.merge([writes.latencies]).summary()
  const fairness = each('handcar', (measurement) => write(measurement).p99 / longestTransaction)
  const overshoots = each('holder', (measurement) => write(measurement).max - measurement.held.max)
  return [
    ...hogs.flatMap((hog) => {
      const delays = each(hog, ({ delay }) => delay.p99)
      return target(`event-loop delay p99: ${hogNames[hog]}`, median(delays), '<', 20, 'ms', spread(delays))
    }),
    ...hogs.map((hog) => {
      const reads = each(hog, readP99)
      return target(`read p99: ${hogNames[hog]}`, median(reads), '<', 20, 'ms', spread(reads))
    }),
    target('longest write beyond the hold of 1 s', median(overshoots), '<', 50, 'ms', spread(overshoots)),
    target(
      "a web write's p99 in hog transactions (of 5 ms)",
      median(fairness),
      '≤',
      3,
      '×',
      spread(fairness),
    ),
    target('failed requests in handcar mode', sumFailed(hogs.flatMap((hog) => of(hog, 'handcar'))), '≤', 0),
  ]
}

const longestTransaction = 5

function sumFailed(found: readonly Measurement[]): number {
  return found.reduce((sum, { reads, writes }) => sum + reads.failed + writes.failed, 0)
}
