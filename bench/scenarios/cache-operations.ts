import { contestantNames, startField } from '../cache/contestants.ts'
import type { ContestantName, Entrant, Field } from '../cache/contestants.ts'
import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested, type Target } from '../harness/targets.ts'
import type { Operation } from '../processes/cache-process.ts'

const sizes = { '100 B': 100, '200 B': 200, '1 kB': 1_000, '10 kB': 10_000, '100 kB': 100_000 } as const
type Size = keyof typeof sizes
const sizeNames = Object.keys(sizes) as Size[]

const ways = {
  'one after another': { inFlight: 1, perTurn: 100 },
  '100 in flight': { inFlight: 100, perTurn: 20 },
  'one in each turn of the event loop': { inFlight: 1, perTurn: 1 },
} as const
type Way = keyof typeof ways
const [awaited, inFlight, perTurn] = Object.keys(ways) as [Way, Way, Way]

interface What {
  readonly operation: Operation
  readonly way: Way
  /** The others have no size, or would say nothing new. */
  readonly only?: Size
}

const whats: readonly What[] = [
  { operation: 'get', way: awaited },
  { operation: 'get', way: inFlight },
  { operation: 'get', way: perTurn, only: '1 kB' },
  { operation: 'set', way: awaited },
  { operation: 'set', way: inFlight },
  { operation: 'getOrSet, there', way: awaited },
  { operation: 'getOrSet, there', way: inFlight },
  { operation: 'increment', way: awaited, only: '100 B' },
  { operation: 'increment', way: inFlight, only: '100 B' },
  // Last, because they fill the stores.
  { operation: 'getOrSet, missing', way: awaited },
  { operation: 'getOrSet, missing', way: inFlight },
]

type Rates = ReadonlyMap<What, number>
type Of = (operation: Operation, way: Way, size: Size, name: ContestantName) => readonly number[]

interface Cell {
  readonly size: Size
  readonly entrant: Entrant
}

export const scenario: Scenario = {
  description: 'How many reads, writes and counts a second does a cache answer?',
  minutes: 11,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 5
  const seconds = context.quick ? 0.04 : 0.25
  await using field = await startField(context, {
    names: contestantNames,
    processes: 1,
    maxBytes: 256 * 1024 ** 2,
  })
  const cells = sizeNames.flatMap((size) => field.entrants.map((entrant): Cell => ({ size, entrant })))
  for (const entrant of field.entrants) await measure({ size: '200 B', entrant }, seconds)
  const measured = await interleave(rounds, cells, async (cell, round) => {
    if (cell.entrant === field.entrants[0]) context.report(`round ${round} of ${rounds}: ${cell.size}`)
    return await measure(cell, seconds)
  })
  const of: Of = (operation, way, size, name) => {
    const found = [...measured].find(([cell]) => cell.size === size && cell.entrant.name === name)?.[1] ?? []
    const what = whats.find((each) => each.operation === operation && each.way === way)!
    return found.map((rates) => rates.get(what)).filter((rate) => rate !== undefined)
  }
  return {
    rows: whats.flatMap((what) => field.entrants.flatMap(({ name }) => toRow(what, name, of))),
    targets: targets(field, of),
    notes: [
      `operations a second, medians of ${rounds} rounds of ${seconds} s, interleaved; nothing pinned, client and Redis share the cores`,
      'values are texts, in 1,000 keys (100 of 100 kB) that are asked for in random order; each answer was checked, all keys after the writes, and the sum of the counters',
      `"${awaited}" lets the event loop turn after every 100 operations, "${inFlight}" (100 loops) after every 20 of a loop: handcar asks its file for news of other processes once in each turn. "${perTurn}" includes what the turn costs`,
      '"missing": each call has a new key and a factory that has the value ready',
      ...field.notes,
    ],
    chart: {
      title: 'Operations of a cache',
      subtitle:
        'a second, values of 1 kB; higher is better. lru-cache, in the memory of one process, is in the table only',
      panels: [
        panel('get', awaited, field, of),
        panel('get', inFlight, field, of),
        panel('set', awaited, field, of),
        panel('set', inFlight, field, of),
        panel('getOrSet, missing', inFlight, field, of),
        panel('increment', inFlight, field, of),
      ],
    },
  }
}

async function measure({ size, entrant }: Cell, seconds: number): Promise<Rates> {
  const { place } = entrant
  const client = entrant.processes[0]!
  const rates = new Map<What, number>()
  await client.call('clear', place)
  await client.call('open', place)
  await client.call('fill', { keys: size === '100 kB' ? 100 : 1_000, size: sizes[size], isFirst: true })
  for (const what of whats) {
    if ((what.only ?? size) !== size || isImpossible(what.operation, entrant.name)) continue
    const plan = { operation: what.operation, ...ways[what.way], seconds }
    rates.set(what, await client.call('measure', plan))
    if (what.operation === 'set') await client.call('check', undefined)
  }
  const [counted, expected] = [
    await client.call('counted', undefined),
    await client.call('increments', undefined),
  ]
  if (counted !== expected) throw new Error(`${entrant.name} counted ${counted} of ${expected} increments`)
  await client.call('close', undefined)
  return rates
}

function isImpossible(operation: Operation, name: ContestantName): boolean {
  return operation === 'increment' && /Keyv|bentocache/.test(name)
}

function toRow({ operation, way, only }: What, name: ContestantName, of: Of): Row[] {
  const shown = only === undefined ? sizeNames : [only]
  const noise = of(operation, way, only ?? '1 kB', name)
  if (noise.length === 0) return []
  const rates = shown.map((size) => [
    columnOf(operation, size),
    round(median(of(operation, way, size, name))),
  ])
  return [
    {
      section: `${operation}, ${way}`,
      cache: name,
      ...(Object.fromEntries(rates) as Record<string, number>),
      [`min–max${only === undefined ? ' 1 kB' : ''}`]: spread(noise),
    },
  ]
}

function columnOf(operation: Operation, size: Size): string {
  return operation === 'increment' ? 'operations/s' : size
}

/** What was promised. What "pipelined" means is auto-pipelined: the faster of the two ways of Redis. */
function targets(field: Field, of: Of): Target[] {
  type Entry = readonly [Operation, Way, Size, ContestantName]
  const promise = (name: string, ours: Entry, theirs: Entry, limit: number): Target => {
    const reason = field.missing(theirs[3])
    if (reason !== undefined) return untested(name, `≥ ${limit} ×`, reason)
    const perRound = of(...ours).map((rate, index) => rate / of(...theirs)[index]!)
    return target(name, median(of(...ours)) / median(of(...theirs)), '≥', limit, '×', spread(perRound))
  }
  const gets = (ours: ContestantName): Target[] =>
    (['100 B', '1 kB', '10 kB'] as const).flatMap((size) => [
      promise(
        `${ours}: get ${size} against Redis, ${awaited}`,
        ['get', awaited, size, ours],
        ['get', awaited, size, 'Redis'],
        8,
      ),
      promise(
        `${ours}: get ${size} against Redis auto-pipelined, ${inFlight}`,
        ['get', inFlight, size, ours],
        ['get', inFlight, size, 'Redis, auto-pipelined'],
        1.2,
      ),
    ])
  const hits = (['lru-cache', 'lru-cache, awaited'] as const).flatMap((theirs) =>
    (['100 B', '1 kB', '10 kB'] as const).map((size) => {
      const ours = of('get', awaited, size, 'handcar')
      const lru = of('get', awaited, size, theirs)
      const perRound = lru.map((rate, index) => rate / ours[index]!)
      const name = `hit in memory, ${size}: ${theirs} is faster by`
      return target(name, median(lru) / median(ours), '≤', 3, '×', spread(perRound))
    }),
  )
  const set = (way: Way, theirs: ContestantName, limit: number): Target =>
    promise(
      `handcar: set 200 B against ${theirs}, ${way}`,
      ['set', way, '200 B', 'handcar'],
      ['set', way, '200 B', theirs],
      limit,
    )
  return [
    ...gets('handcar'),
    ...gets('handcar, file only'),
    set(awaited, 'Redis', 4),
    set(inFlight, 'Redis, auto-pipelined', 1.5),
    ...hits,
  ]
}

function panel(operation: Operation, way: Way, { entrants }: Field, of: Of): Panel {
  const size = operation === 'increment' ? '100 B' : '1 kB'
  // Beside what never leaves the process nothing else could be told apart.
  const there = entrants.filter(
    ({ name, place }) => place.system !== 'lru-cache' && of(operation, way, size, name).length > 0,
  )
  return {
    title: `${operation}, ${way}`,
    kind: 'ranking',
    unit: 'operations/s',
    categories: there.map(({ name }) => name),
    series: [
      { name: operation, values: there.map(({ name }) => round(median(of(operation, way, size, name)))) },
    ],
  }
}
