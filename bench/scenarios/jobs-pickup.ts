import type { Panel } from '../harness/chart.ts'
import { Latencies } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import { startField } from '../jobs/contestants.ts'
import type { ContestantName, Entrant } from '../jobs/contestants.ts'
import { checkOnce } from '../jobs/drain.ts'
import { settings } from '../jobs/settings.ts'

const names: readonly ContestantName[] = [
  'handcar, os',
  'handcar, disk',
  'BullMQ, AOF off',
  'BullMQ, AOF everysec',
  'pg-boss, synchronous_commit off',
  'pg-boss',
  'graphile-worker, synchronous_commit off',
  'graphile-worker',
  'plainjob',
]

const ours = 'handcar, os'
const pauseMs = 10
const warmUp = 50
const duty = { slots: 10, tunedFor: 'latency', milliseconds: 0 } as const
const ways = { 1: 'enqueued by the process that performs', 2: 'enqueued by another process' } as const

interface Cell {
  readonly processes: 1 | 2
  readonly entrant: Entrant
}

/** The pickups of one round. */
interface Pickups {
  readonly p50: number
  readonly p99: number
  readonly encoded: string
}

type Measured = ReadonlyMap<Cell, readonly Pickups[]>

export const scenario: Scenario = {
  description: 'How soon after its enqueue does a job begin?',
  minutes: 7,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const count = context.quick ? 100 : 500
  await using field = await startField(context, names, 2)
  const cells = ([1, 2] as const).flatMap((processes) =>
    field.entrants.map((entrant): Cell => ({ processes, entrant })),
  )
  const measured = await interleave(rounds, cells, async (cell, round) => {
    if (cell.entrant === field.entrants[0])
      context.report(`round ${round} of ${rounds}: ${ways[cell.processes]}`)
    return await measure(cell, count)
  })
  return {
    rows: [...measured].map(([cell, found]) => toRow(cell, found)),
    targets: ([1, 2] as const).flatMap((processes) => targets(measured, processes)),
    notes: [
      `${rounds} rounds of ${count} jobs, interleaved, one every ${pauseMs} ms on average, evenly spread from half to one and a half of that; medians of the rounds, max of all; nothing pinned`,
      'from right before the call that enqueues to the start of the handler, so that the commit is in it; on the monotonic clock of the machine. Each job was performed exactly once',
      `an open store that is otherwise at rest; the first ${warmUp} jobs of each round do not count`,
      ...field.notes,
      ...settings(field.entrants, 'latency'),
    ],
    chart: {
      title: 'Pickup',
      subtitle: 'from enqueue to the start of the handler; lower is better',
      panels: ([1, 2] as const).flatMap((processes) => [
        panel(measured, processes, 'p50', ({ p50 }) => p50),
        panel(measured, processes, 'p99', ({ p99 }) => p99),
      ]),
    },
  }
}

async function measure({ entrant, processes }: Cell, count: number): Promise<Pickups> {
  const { place } = entrant
  const used = entrant.processes.slice(0, processes)
  const [producer, worker] = [used[0]!, used.at(-1)!]
  await producer.call('clear', place)
  for (const each of used) await each.call('open', place)
  await worker.call('work', duty)
  await producer.call('pace', { count: warmUp, pauseMs })
  await producer.call('settled', undefined)
  await worker.call('forgetPickups', undefined)
  await producer.call('pace', { count, pauseMs })
  await producer.call('settled', undefined)
  const encoded = await worker.call('pickups', undefined)
  checkOnce([await worker.call('tally', undefined)], warmUp + count)
  for (const each of used) await each.call('close', undefined)
  const { p50, p99 } = Latencies.merge([encoded]).summary()
  return { p50, p99, encoded }
}

function toRow({ entrant, processes }: Cell, found: readonly Pickups[]): Row {
  const all = Latencies.merge(found.map(({ encoded }) => encoded)).summary()
  const middle = (value: (pickups: Pickups) => number): number => round(median(found.map(value)))
  return {
    section: ways[processes],
    queue: entrant.name,
    survives: entrant.survives,
    'p50 ms': middle(({ p50 }) => p50),
    'p99 ms': middle(({ p99 }) => p99),
    'min–max of p99': spread(found.map(({ p99 }) => p99)),
    'max ms': all.max,
  }
}

function targets(measured: Measured, processes: 1 | 2) {
  const found = [...measured].find(([cell]) => cell.processes === processes && cell.entrant.name === ours)![1]
  const [p50, p99] = [found.map((each) => each.p50), found.map((each) => each.p99)]
  return [
    target(`${ours}, ${ways[processes]}: p50`, median(p50), '<', 1, 'ms', spread(p50)),
    target(`${ours}, ${ways[processes]}: p99`, median(p99), '<', 6, 'ms', spread(p99)),
  ]
}

function panel(
  measured: Measured,
  processes: 1 | 2,
  title: string,
  value: (pickups: Pickups) => number,
): Panel {
  const found = [...measured].filter(([cell]) => cell.processes === processes)
  return {
    title: `${ways[processes]}, ${title}`,
    kind: 'ranking',
    unit: 'ms',
    categories: found.map(([{ entrant }]) => entrant.name),
    series: [{ name: title, values: found.map(([, pickups]) => round(median(pickups.map(value)))) }],
  }
}
