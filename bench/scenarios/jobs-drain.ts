import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import { startField } from '../jobs/contestants.ts'
import type { ContestantName, Entrant, Field } from '../jobs/contestants.ts'
import { drain } from '../jobs/drain.ts'
import type { DrainPlan } from '../jobs/drain.ts'
import { settings } from '../jobs/settings.ts'
import { slotsForNothing } from '../jobs/slots.ts'

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

const ours = 'handcar, disk'
const sleepMs = 100
const sleepSlots = 500
const sleepers: readonly ContestantName[] = [
  'handcar, disk',
  'BullMQ, AOF everysec',
  'pg-boss',
  'graphile-worker',
  'plainjob',
]

const ideal = (1000 * sleepSlots) / sleepMs

const nothing = { 1: 'no-op jobs, 1 process', 2: 'no-op jobs, 2 processes' } as const
const sleeping = `jobs that sleep for ${sleepMs} ms, ${sleepSlots} at once`

interface Cell {
  readonly section: string
  readonly entrant: Entrant
  readonly plan: DrainPlan
}

type Rates = (section: string, name: ContestantName) => readonly number[]

export const scenario: Scenario = {
  description: 'How many jobs a second are performed from a backlog?',
  minutes: 9,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const { quick } = context
  const rounds = quick ? 1 : 3
  const [jobs, naps] = quick ? [20_000, 2_000] : [50_000, 10_000]
  await using field = await startField(context, names, 2)
  const cells = cellsOf(field, jobs, naps)
  for (const { entrant, plan, section } of cells) {
    if (section === nothing[2]) await drain(entrant, { ...plan, jobs: quick ? 1_000 : 10_000 })
  }
  const floor: number[] = []
  let told = ''
  const measured = await interleave(rounds, cells, async ({ entrant, plan, section }, round) => {
    if (section !== told) {
      context.report(`round ${round} of ${rounds}: ${section}`)
      if (section === sleeping) floor.push(await napWithoutQueue(entrant, naps))
      told = section
    }
    return plan.jobs / (await drain(entrant, plan)).seconds
  })
  const rates: Rates = (section, name) =>
    [...measured].find(([cell]) => cell.section === section && cell.entrant.name === name)?.[1] ?? []
  return {
    rows: [...measured].map(([cell, found]) => toRow(cell, found)),
    targets: targets(field, rates, floor),
    notes: [
      `medians of ${rounds} rounds, interleaved: ${jobs} jobs that do nothing, ${naps} that sleep; nothing pinned, workers and servers share the cores`,
      'from the start of the first handler until nothing in the store is unfinished; each job was performed exactly once, by its number in the payload',
      `ideal for the sleeping jobs: ${sleepSlots} every ${sleepMs} ms, i.e. ${ideal} a second; as many loops of timers without any queue come to ${shareOfIdeal(floor)} % of it here`,
      'survives: what enqueued jobs survive. What a queue forgets of finishes makes a job run again, not get lost',
      ...field.notes,
      ...settings(field.entrants, 'throughput'),
      `jobs at once, for no-op jobs: ${Object.entries(slotsForNothing)
        .map(([system, slots]) => `${system} ${slots}`)
        .join(', ')}`,
      'pg-boss sleeps in one batch of 500 after another, graphile-worker with concurrentJobs 500, plainjob with 500 workers in the process',
    ],
    chart: {
      title: 'Performing jobs',
      subtitle: 'jobs a second from a backlog; higher is better',
      panels: [...new Set(cells.map(({ section }) => section))].map((section) =>
        panel(section, field, rates),
      ),
    },
  }
}

function cellsOf({ entrants }: Field, jobs: number, naps: number): Cell[] {
  const noOps = ([1, 2] as const).flatMap((processes) =>
    entrants.map((entrant): Cell => {
      const duty = {
        slots: slotsForNothing[entrant.system],
        tunedFor: 'throughput' as const,
        milliseconds: 0,
      }
      return { section: nothing[processes], entrant, plan: { jobs, processes, duty } }
    }),
  )
  const duty = { slots: sleepSlots, tunedFor: 'throughput' as const, milliseconds: sleepMs }
  const asleep = entrants
    .filter(({ name }) => sleepers.includes(name))
    .map((entrant): Cell => ({ section: sleeping, entrant, plan: { jobs: naps, processes: 1, duty } }))
  return [...noOps, ...asleep]
}

async function napWithoutQueue({ processes }: Entrant, count: number): Promise<number> {
  return await processes[0]!.call('nap', { count, slots: sleepSlots, milliseconds: sleepMs })
}

function shareOfIdeal(rates: readonly number[]): number {
  return round((100 * median(rates)) / ideal)
}

function toRow({ section, entrant, plan: { duty } }: Cell, found: readonly number[]): Row {
  return {
    section,
    queue: entrant.name,
    survives: entrant.survives,
    'jobs/s': round(median(found)),
    'min–max': spread(found),
    ...(duty.milliseconds > 0 && { '% of ideal': shareOfIdeal(found) }),
  }
}

/** Each at its best, with one process or with two: more processes help some and not others. */
function targets(field: Field, rates: Rates, floor: readonly number[]): Target[] {
  const best = (name: ContestantName): readonly number[] => {
    const [one, two] = [rates(nothing[1], name), rates(nothing[2], name)]
    return median(two) > median(one) ? two : one
  }
  const against = (name: string, theirs: readonly ContestantName[], limit: number): Target => {
    const there = theirs.filter((each) => field.missing(each) === undefined)
    if (there.length === 0) return untested(name, `≥ ${limit} ×`, field.missing(theirs[0]!)!)
    const fastest = there.toSorted((a, b) => median(best(b)) - median(best(a)))[0]!
    const perRound = best(ours).map((rate, index) => rate / best(fastest)[index]!)
    const ratio = median(best(ours)) / median(best(fastest))
    return target(name, ratio, '≥', limit, '×', `${fastest}; ${spread(perRound)}`)
  }
  const found = rates(sleeping, ours).map((rate) => (100 * rate) / ideal)
  return [
    against('no-op jobs, 1 or 2 processes, against BullMQ', ['BullMQ, AOF everysec', 'BullMQ, AOF off'], 5),
    against(
      'no-op jobs, 1 or 2 processes, against the fastest of all others',
      names.filter((name) => !name.startsWith('handcar')),
      1.5,
    ),
    target(
      `${sleeping}: share of the ideal`,
      median(found),
      '≥',
      95,
      '%',
      `${spread(found)}; timers alone: ${shareOfIdeal(floor)}`,
    ),
  ]
}

function panel(section: string, field: Field, rates: Rates): Panel {
  const there = field.entrants.filter(({ name }) => rates(section, name).length > 0)
  return {
    title: section,
    kind: 'ranking',
    unit: 'jobs/s',
    categories: there.map(({ name }) => name),
    series: [{ name: section, values: there.map(({ name }) => round(median(rates(section, name)))) }],
  }
}
