import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import { startField } from '../jobs/contestants.ts'
import type { ContestantName, Entrant, Field } from '../jobs/contestants.ts'
import { settings } from '../jobs/settings.ts'

const names: readonly ContestantName[] = [
  'handcar, os',
  'handcar, disk',
  'BullMQ, AOF off',
  'BullMQ, AOF everysec',
  'BullMQ, AOF always',
  'pg-boss, synchronous_commit off',
  'pg-boss',
  'graphile-worker, synchronous_commit off',
  'graphile-worker',
  'plainjob',
]

const shapes = [
  { name: 'one at a time', inFlight: 1, bulk: 0 },
  { name: '100 in flight', inFlight: 100, bulk: 0 },
  { name: 'bulk of 100', inFlight: 1, bulk: 100 },
  { name: 'bulk of 10,000', inFlight: 1, bulk: 10_000 },
] as const

type Shape = (typeof shapes)[number]

interface Cell {
  readonly shape: Shape
  readonly entrant: Entrant
}

export const scenario: Scenario = {
  description: 'How many jobs a second are acknowledged, and what do they survive then?',
  minutes: 7,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 5
  const seconds = context.quick ? 0.3 : 1.2
  await using field = await startField(context, names, 1)
  const cells = shapes.flatMap((shape) => field.entrants.map((entrant): Cell => ({ shape, entrant })))
  for (const entrant of field.entrants) await measure({ shape: shapes[1], entrant }, context.quick ? 0.2 : 1)
  const measured = await interleave(rounds, cells, async (cell, round) => {
    if (cell.entrant === field.entrants[0]) context.report(`round ${round} of ${rounds}: ${cell.shape.name}`)
    return await measure(cell, seconds)
  })
  const rates = (shape: Shape['name'], name: ContestantName): readonly number[] =>
    [...measured].find(([cell]) => cell.shape.name === shape && cell.entrant.name === name)?.[1] ?? []
  return {
    rows: [...measured].map(([cell, found]) => toRow(cell, found)),
    targets: targets(field, rates),
    notes: [
      `medians of ${rounds} rounds of ${seconds} s, interleaved, each on an empty store; nothing pinned, client and servers share the cores`,
      'after each round as many jobs were in the store as had been acknowledged; that each of them is performed with its payload is checked by jobs-drain',
      'survives: what an acknowledged job survives. Power cut: it is on the disk. Crash: every process may die, but the last moments before a power cut may be lost (Redis: of its own death too, a second)',
      ...field.notes,
      ...settings(field.entrants, 'enqueue'),
    ],
    chart: {
      title: 'Enqueueing jobs',
      subtitle: 'jobs acknowledged a second; higher is better',
      panels: shapes.map(({ name }) => panel(name, field.entrants, rates)),
    },
  }
}

async function measure({ shape, entrant }: Cell, seconds: number): Promise<number> {
  const { place, processes } = entrant
  const [client] = processes
  await client!.call('clear', place)
  await client!.call('open', place)
  const rate = await client!.call('enqueue', { ...shape, seconds })
  await client!.call('close', undefined)
  return rate
}

function toRow({ shape, entrant }: Cell, found: readonly number[]): Row {
  return {
    section: shape.name,
    queue: entrant.name,
    survives: entrant.survives,
    'jobs/s': round(median(found)),
    'min–max': spread(found),
  }
}

type Rates = (shape: Shape['name'], name: ContestantName) => readonly number[]

/** What was promised: at the same durability, or better on our side. */
function targets(field: Field, rates: Rates): Target[] {
  const promise = (
    shape: Shape['name'],
    ours: ContestantName,
    theirs: ContestantName,
    limit: number,
  ): Target => {
    const name = `${shape}: ${ours} against ${theirs}`
    const reason = field.missing(theirs)
    if (reason !== undefined) return untested(name, `≥ ${limit} ×`, reason)
    const perRound = rates(shape, ours).map((rate, index) => rate / rates(shape, theirs)[index]!)
    const ratio = median(rates(shape, ours)) / median(rates(shape, theirs))
    return target(name, ratio, '≥', limit, '×', spread(perRound))
  }
  return [
    promise('bulk of 10,000', 'handcar, os', 'BullMQ, AOF everysec', 8),
    promise('bulk of 10,000', 'handcar, disk', 'BullMQ, AOF everysec', 8),
    promise('100 in flight', 'handcar, os', 'BullMQ, AOF everysec', 3),
    promise('100 in flight', 'handcar, os', 'BullMQ, AOF off', 3),
    promise('100 in flight', 'handcar, disk', 'BullMQ, AOF everysec', 2),
    promise('100 in flight', 'handcar, disk', 'BullMQ, AOF always', 2),
  ]
}

function panel(shape: Shape['name'], entrants: readonly Entrant[], rates: Rates): Panel {
  return {
    title: shape,
    kind: 'ranking',
    unit: 'jobs/s',
    categories: entrants.map(({ name }) => name),
    series: [{ name: shape, values: entrants.map(({ name }) => round(median(rates(shape, name)))) }],
  }
}
