import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess } from '../harness/child.ts'
import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { slowSyncs } from '../harness/slow-sync.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import type {
  DurabilityHandlers,
  DurabilityMeasurement,
  DurabilityWay,
} from '../processes/durability-process.ts'

const processFile = new URL('../processes/durability-process.ts', import.meta.url)
const ways: readonly DurabilityWay[] = ['raw NORMAL', 'raw FULL', 'handcar os', 'handcar disk']
const inFlights = [1, 16, 256, 1000]
const slowMs = 3

interface Cell {
  readonly disk: 'as it is' | 'syncs + 3 ms'
  readonly way: DurabilityWay
  readonly inFlight: number
}

type Measurements = ReadonlyMap<Cell, readonly DurabilityMeasurement[]>

export const scenario: Scenario = {
  description: 'What does it cost to acknowledge a write only when it is on the disk?',
  minutes: 3,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const shim = slowSyncs(context.folder, slowMs)
  const fast = await measureDisk(context, 'as it is', {})
  const slow = shim ? await measureDisk(context, 'syncs + 3 ms', shim) : undefined
  const measurements: Measurements = new Map([...fast.measurements, ...(slow?.measurements ?? [])])
  return {
    rows: [...measurements].map(([cell, found]) => toRow(cell, found)),
    targets: targets(measurements),
    notes: [
      'small inserts; each of the writes in flight starts when the one before it was acknowledged',
      'the raw driver commits each write by itself, one commit per callback; handcar through database.write(body)',
      'event-loop delay: a timer every millisecond, late by so much; a stall counts for each of its milliseconds',
      `${fast.audited + (slow?.audited ?? 0)} writes were acknowledged and found exactly once; client and database are one process, not pinned`,
      shim
        ? `slow syncs: a preloaded shim delays fsync and fdatasync by ${slowMs} ms`
        : 'slow syncs skipped: no C compiler (cc), or not Linux',
    ],
    chart: {
      title: 'Durability',
      subtitle: 'small writes through the public API, by writes in flight',
      panels: (['as it is', 'syncs + 3 ms'] as const).flatMap((disk) => panels(measurements, disk)),
    },
  }
}

async function measureDisk(
  context: ScenarioContext,
  disk: Cell['disk'],
  environment: Record<string, string>,
): Promise<{ measurements: Measurements; audited: number }> {
  const rounds = context.quick ? 1 : 3
  const seconds = context.quick ? 0.4 : 1.5
  const folder = join(context.folder, disk.replaceAll(' ', '-'))
  await mkdir(folder)
  await using writer = startProcess<DurabilityHandlers>(processFile, { environment })
  await writer.call('prepare', { folder })
  for (const way of ways) await writer.call('measure', { way, inFlight: 16, seconds: seconds / 4 })
  const cells = inFlights.flatMap((inFlight) => ways.map((way): Cell => ({ disk, way, inFlight })))
  const measurements = await interleave(rounds, cells, async (cell, round) => {
    if (cell.way === ways[0])
      context.report(`disk ${disk}, round ${round} of ${rounds}, ${cell.inFlight} in flight`)
    return await writer.call('measure', { way: cell.way, inFlight: cell.inFlight, seconds })
  })
  return { measurements, audited: await writer.call('audit', undefined) }
}

function toRow(cell: Cell, found: readonly DurabilityMeasurement[]): Row {
  const rates = found.map(({ perSecond }) => perSecond)
  const middle = (value: (measurement: DurabilityMeasurement) => number): number =>
    round(median(found.map(value)))
  return {
    section: `disk ${cell.disk}`,
    'in flight': cell.inFlight,
    way: cell.way,
    'writes/s': round(median(rates)),
    'min–max': spread(rates),
    'p50 ms': middle(({ latency }) => latency.p50),
    'p99 ms': middle(({ latency }) => latency.p99),
    'loop delay p50 ms': middle(({ delay }) => delay.p50),
    'loop delay p99 ms': middle(({ delay }) => delay.p99),
  }
}

function targets(measurements: Measurements): Target[] {
  const of = (disk: Cell['disk'], way: DurabilityWay, inFlight: number): readonly DurabilityMeasurement[] =>
    [...measurements].find(
      ([cell]) => cell.disk === disk && cell.way === way && cell.inFlight === inFlight,
    )?.[1] ?? []
  const rate = (way: DurabilityWay): number =>
    median(of('as it is', way, 256).map(({ perSecond }) => perSecond))
  const slowDelays = [16, 256].map((inFlight) => ({
    inFlight,
    delays: of('syncs + 3 ms', 'handcar disk', inFlight).map(({ delay }) => delay.p99),
  }))
  return [
    target(
      "durability 'disk' at 256 in flight against FULL per commit",
      rate('handcar disk') / rate('raw FULL'),
      '≥',
      20,
      '×',
    ),
    ...slowDelays.map(({ inFlight, delays }) => {
      const name = `event-loop delay p99 with 3 ms syncs, ${inFlight} in flight`
      return delays.length === 0
        ? untested(name, '< 5 ms', 'no C compiler')
        : target(name, median(delays), '<', 5, 'ms', spread(delays))
    }),
  ]
}

function panels(measurements: Measurements, disk: Cell['disk']): Panel[] {
  const cells = [...measurements].filter(([cell]) => cell.disk === disk)
  if (cells.length === 0) return []
  const panel = (
    title: string,
    unit: string,
    value: (measurement: DurabilityMeasurement) => number,
  ): Panel => ({
    title: `${title}, disk ${disk}`,
    kind: 'line',
    unit,
    categories: inFlights.map(String),
    logarithmic: true,
    series: ways.map((way) => ({
      name: way,
      values: cells.filter(([cell]) => cell.way === way).map(([, found]) => round(median(found.map(value)))),
    })),
  })
  return [
    panel('throughput', 'writes/s', ({ perSecond }) => perSecond),
    panel('event-loop delay p99', 'ms', ({ delay }) => delay.p99),
  ]
}
