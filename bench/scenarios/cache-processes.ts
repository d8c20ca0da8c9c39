import { startField } from '../cache/contestants.ts'
import type { ContestantName, Entrant, Field } from '../cache/contestants.ts'
import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import type { Operation } from '../processes/cache-process.ts'

const names: readonly ContestantName[] = [
  'handcar',
  'handcar, file only',
  'Redis',
  'Redis, auto-pipelined',
  'Keyv on SQLite',
  'bentocache on SQLite, file only',
]

const counts = [1, 2, 4] as const
const size = 1_000
const keys = 1_000

interface Work {
  readonly operation: Operation
  readonly inFlight: number
  readonly perTurn: number
}

const works = {
  'get, one after another': { operation: 'get', inFlight: 1, perTurn: 100 },
  'get, 100 in flight': { operation: 'get', inFlight: 100, perTurn: 20 },
  '9 gets, 1 set, one after another': { operation: '9 gets, 1 set', inFlight: 1, perTurn: 100 },
  'set, 100 in flight': { operation: 'set', inFlight: 100, perTurn: 20 },
  'increment of one counter, 100 in flight': {
    operation: 'increment of one counter',
    inFlight: 100,
    perTurn: 20,
  },
} as const satisfies Record<string, Work>

type WorkName = keyof typeof works
const workNames = Object.keys(works) as WorkName[]

interface Cell {
  readonly entrant: Entrant
  readonly count: (typeof counts)[number]
}

type Rates = ReadonlyMap<WorkName, number>
type Of = (work: WorkName, name: ContestantName, count: number) => readonly number[]

export const scenario: Scenario = {
  description: 'What do several processes get out of one cache?',
  minutes: 4,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 5
  const seconds = context.quick ? 0.2 : 0.5
  const processes = Math.max(...counts)
  await using field = await startField(context, { names, processes, maxBytes: 256 * 1024 ** 2 })
  const cells = counts.flatMap((count) => field.entrants.map((entrant): Cell => ({ entrant, count })))
  for (const entrant of field.entrants) await measure({ entrant, count: processes as 4 }, 0.1)
  const measured = await interleave(rounds, cells, async (cell, round) => {
    if (cell.entrant === field.entrants[0])
      context.report(`round ${round} of ${rounds}: ${cell.count} process${cell.count > 1 ? 'es' : ''}`)
    return await measure(cell, seconds)
  })
  const of: Of = (work, name, count) => {
    const found =
      [...measured].find(([cell]) => cell.count === count && cell.entrant.name === name)?.[1] ?? []
    return found.map((rates) => rates.get(work)).filter((rate) => rate !== undefined)
  }
  return {
    rows: workNames.flatMap((work) => field.entrants.flatMap(({ name }) => toRow(work, name, of))),
    targets: [],
    notes: [
      `operations a second of all processes together, medians of ${rounds} rounds of ${seconds} s, interleaved; nothing pinned, the processes and Redis share the cores`,
      `${keys} keys with values of ${size} bytes, the same for all processes; each value that was read was checked, and the counter says what was added to it`,
      'a write of another process makes handcar compare what it has in memory with its file',
      ...field.notes,
    ],
    chart: {
      title: 'A cache of several processes',
      subtitle: 'operations a second of all together, values of 1 kB; higher is better',
      panels: workNames.map((work) => panel(work, field, of)),
    },
  }
}

async function measure({ entrant, count }: Cell, seconds: number): Promise<Rates> {
  const { place, name } = entrant
  const clients = entrant.processes.slice(0, count)
  const rates = new Map<WorkName, number>()
  await clients[0]!.call('clear', place)
  for (const [index, client] of clients.entries()) {
    await client.call('open', place)
    await client.call('fill', { keys, size, isFirst: index === 0 })
  }
  for (const work of workNames) {
    const plan = { ...works[work], seconds }
    if (plan.operation === 'increment of one counter' && /Keyv|bentocache/.test(name)) continue
    const each = await Promise.all(clients.map((client) => client.call('measure', plan)))
    rates.set(work, sum(each))
  }
  await clients[0]!.call('check', undefined)
  const counted = await clients[0]!.call('counted', undefined)
  const expected = sum(await Promise.all(clients.map((client) => client.call('increments', undefined))))
  if (counted !== expected) throw new Error(`${name} counted ${counted} of ${expected} increments`)
  await Promise.all(clients.map((client) => client.call('close', undefined)))
  return rates
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function toRow(work: WorkName, name: ContestantName, of: Of): Row[] {
  if (of(work, name, 1).length === 0) return []
  const rates = counts.map((count) => [columnOf(count), round(median(of(work, name, count)))])
  return [
    {
      section: work,
      cache: name,
      ...(Object.fromEntries(rates) as Record<string, number>),
      'min–max of the last': spread(of(work, name, counts.at(-1)!)),
    },
  ]
}

function columnOf(count: number): string {
  return count === 1 ? '1 process' : `${count} processes`
}

function panel(work: WorkName, { entrants }: Field, of: Of): Panel {
  const there = entrants.filter(({ name }) => of(work, name, 1).length > 0)
  return {
    title: work,
    kind: 'bar',
    unit: 'operations/s',
    categories: counts.map(columnOf),
    series: there.map(({ name }) => ({
      name,
      values: counts.map((count) => round(median(of(work, name, count)))),
    })),
  }
}
