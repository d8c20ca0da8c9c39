import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import type { HogKind } from '../processes/hog-process.ts'
import { measureBesideHog } from '../hog/measure.ts'
import type { HogCell, HogMeasurement } from '../hog/measure.ts'
import { createStore } from '../processes/stores.ts'
import type { StoreKind } from '../processes/stores.ts'

const modes: readonly StoreKind[] = ['immediate-timeout', 'immediate-retry', 'handcar']
const hogs: readonly HogKind[] = ['stranger', 'handcar', 'holder']
const hogNames: Record<HogKind, string> = {
  stranger: 'a stranger writes 3–6 ms transactions',
  handcar: 'a handcar process writes 5 ms transactions',
  holder: 'a stranger holds the lock for 1 s, every 2 s',
}
export const scenario: Scenario = {
  description:
    'What does a web process suffer while another process writes without pause, or holds the lock?',
  minutes: 5,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const seconds = context.quick ? 2 : 6
  const patience = context.quick ? 4000 : 10_000
  const template = join(context.folder, 'template.sqlite3')
  createStore(template)
  const cells = hogs.flatMap((hog) => modes.map((mode): HogCell => ({ hog, mode })))
  const measurements = await interleave(rounds, cells, async (cell, round) => {
    context.report(`round ${round} of ${rounds}: ${hogNames[cell.hog]}; web process: ${cell.mode}`)
    const folder = join(context.folder, `${round}-${cell.hog}-${cell.mode}`)
    await mkdir(folder)
    return await measureBesideHog(join(folder, 'app.sqlite3'), template, cell, { seconds, patience })
  })
  const of = (hog: HogKind, mode: StoreKind): readonly HogMeasurement[] =>
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

interface Figures {
  readonly read: LatencySummary
  readonly write: LatencySummary
  readonly delay: { readonly p99: number; readonly max: number; readonly spread: string }
}

function figures(found: readonly HogMeasurement[]): Figures {
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

function toRow({ hog, mode }: HogCell, found: readonly HogMeasurement[]): Row {
  const { read, write, delay } = figures(found)
  const sum = (value: (measurement: HogMeasurement) => number): number =>
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

function targets(of: (hog: HogKind, mode: StoreKind) => readonly HogMeasurement[]): Target[] {
  const each = (hog: HogKind, value: (measurement: HogMeasurement) => number): number[] =>
    of(hog, 'handcar').map(value)
  const readP99 = ({ reads }: HogMeasurement): number => Latencies.merge([reads.latencies]).percentile(99)
  const write = ({ writes }: HogMeasurement): LatencySummary => Latencies.merge([writes.latencies]).summary()
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

function sumFailed(found: readonly HogMeasurement[]): number {
  return found.reduce((sum, { reads, writes }) => sum + reads.failed + writes.failed, 0)
}
