import type { Panel } from '../harness/chart.ts'
import { Latencies } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested, type Target } from '../harness/targets.ts'
import type { Pace } from '../processes/realtime-server-process.ts'
import type { Seen } from '../processes/realtime-clients-process.ts'
import { startField, type ContestantName, type Field } from '../realtime/contestants.ts'

const crowds = [100, 500, 1_000] as const
const inOneProcess: readonly ContestantName[] = [
  'handcar',
  'socket.io + Redis',
  'ws',
  'handcar, event stream',
  'event stream',
]
const acrossProcesses: readonly ContestantName[] = [
  'handcar',
  'handcar, ephemeral',
  'socket.io + Redis',
  'ws + Redis pub/sub',
]
const names = [...new Set([...inOneProcess, ...acrossProcesses])]
const redisAlone = 'ws + Redis pub/sub'
const warmUp = { seconds: 1, window: 1 }
const settling: Pace = { count: 10, everyMs: 10 }

interface Cell {
  readonly name: ContestantName
  readonly clients: number
  readonly servers: 1 | 2
}

type Measured = ReadonlyMap<Cell, readonly Seen[]>

export const scenario: Scenario = {
  description: 'How soon after its publish does a message reach its clients?',
  minutes: 5,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  await using field = await startField(context, names)
  const here = (list: readonly ContestantName[]) => list.filter((name) => field.names.includes(name))
  const paces = context.quick
    ? { 1: { count: 5, everyMs: 200 }, 2: { count: 100, everyMs: 10 } }
    : { 1: { count: 30, everyMs: 200 }, 2: { count: 300, everyMs: 10 } }
  const crowded = crowds.flatMap((clients) =>
    here(inOneProcess).map((name): Cell => ({ name, clients, servers: 1 })),
  )
  const apart = here(acrossProcesses).map((name): Cell => ({ name, clients: 1, servers: 2 }))
  const measure = async (cell: Cell, round: number): Promise<Seen> => {
    context.report(`round ${round}: ${cell.name}, ${cell.servers === 2 ? 'across processes' : cell.clients}`)
    return await measureOne(field, cell, paces[cell.servers])
  }
  const measured: Measured = new Map([
    ...(await interleave(context.quick ? 1 : 3, apart, measure)),
    ...(await interleave(context.quick ? 1 : 2, crowded, measure)),
  ])
  return {
    rows: [...measured].map(([cell, seen]) => toRow(cell, seen)),
    targets: acrossTargets(measured, field),
    notes: [
      `across processes: one process publishes ${paces[2].count} messages, one each ${paces[2].everyMs} ms, 3 rounds; one client is connected to another process`,
      `to a crowd: ${paces[1].count} messages × ${paces[1].everyMs} ms, 2 rounds, one server process; "each": until a client had it, "all": until the last one had it`,
      'from right before the call that publishes until the bytes are read by the client, on the monotonic clock of the machine; rounds interleaved, histograms merged; each process was warmed up by a second of messages one after another',
      ...field.notes,
    ],
    chart: {
      title: 'Publish to receive',
      subtitle: 'from the publish until a client has the message; lower is better',
      panels: [
        panel(measured, 'across processes, p50', 2, (seen) => latenciesOf(seen, 'each').percentile(50)),
        panel(measured, 'across processes, p99', 2, (seen) => latenciesOf(seen, 'each').percentile(99)),
        panel(measured, 'to all of 1,000 clients, p50', 1, (seen) => latenciesOf(seen, 'all').percentile(50)),
        panel(measured, 'to all of 1,000 clients, p99', 1, (seen) => latenciesOf(seen, 'all').percentile(99)),
      ],
    },
  }
}

async function measureOne(field: Field, { name, clients, servers }: Cell, pace: Pace): Promise<Seen> {
  await using stage = await field.stage(name, servers)
  const publisher = stage.servers[0]!
  const crowd = { clients, channels: 1, pace: { atOnce: 50 }, isTimed: true }
  await stage.connect(crowd, { servers: [servers - 1] })
  await publisher.call('pump', warmUp)
  await publisher.call('pace', settling)
  await publisher.call('settled', undefined)
  await stage.clients.call('seen', undefined)
  await publisher.call('pace', pace)
  await publisher.call('settled', undefined)
  return await stage.check(clients, pace.count)
}

function latenciesOf(seen: readonly Seen[], what: 'each' | 'all'): Latencies {
  return Latencies.merge(seen.map((round) => round[what]))
}

function toRow({ name, clients, servers }: Cell, seen: readonly Seen[]): Row {
  const each = latenciesOf(seen, 'each').summary()
  if (servers === 2) {
    const rounds = seen.map((round) => latenciesOf([round], 'each').percentile(50))
    return {
      section: 'across processes, to one client',
      system: name,
      'p50 ms': each.p50,
      'min–max of p50': spread(rounds),
      'p99 ms': each.p99,
      'max ms': each.max,
    }
  }
  const all = latenciesOf(seen, 'all').summary()
  return {
    section: `to ${clients} clients`,
    system: name,
    'each, p50 ms': each.p50,
    'each, p99 ms': each.p99,
    'all, p50 ms': all.p50,
    'all, p99 ms': all.p99,
  }
}

function acrossTargets(measured: Measured, field: Field): Target[] {
  const of = (name: ContestantName): readonly Seen[] =>
    [...measured].find(([cell]) => cell.name === name && cell.servers === 2)![1]
  const medians = (name: ContestantName): number[] =>
    of(name).map((round) => latenciesOf([round], 'each').percentile(50))
  const ours = medians('handcar')
  const below = 'across processes: p50, handcar / ws + Redis pub/sub'
  return [
    target('across processes: p50', median(ours), '<', 0.5, 'ms', spread(ours)),
    field.names.includes(redisAlone)
      ? target(below, round(median(ours) / median(medians(redisAlone))), '<', 1)
      : untested(below, '< 1', 'Redis is not here'),
  ]
}

function panel(
  measured: Measured,
  title: string,
  servers: 1 | 2,
  value: (seen: readonly Seen[]) => number,
): Panel {
  const clients = servers === 2 ? 1 : crowds.at(-1)
  const shown = [...measured].filter(([cell]) => cell.servers === servers && cell.clients === clients)
  return {
    title,
    kind: 'ranking',
    unit: 'ms',
    categories: shown.map(([{ name }]) => name),
    series: [{ name: title, values: shown.map(([, seen]) => round(value(seen))) }],
  }
}
