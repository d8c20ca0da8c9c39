import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { startField } from '../jobs/contestants.ts'
import type { ContestantName, Entrant } from '../jobs/contestants.ts'
import { openJournal } from '../jobs/journal.ts'
import { settings } from '../jobs/settings.ts'
import { slotsForNothing } from '../jobs/slots.ts'

const names: readonly ContestantName[] = [
  'handcar, disk',
  'BullMQ, AOF everysec',
  'pg-boss',
  'graphile-worker',
  'plainjob',
]

const bulk = 10_000
const ways = [
  'enqueued one at a time',
  `enqueued ${bulk} at once`,
  'performed from a backlog',
  'one now and then, from enqueue to end',
] as const

/** Bytes of journal per job. */
type Bytes = Readonly<Record<(typeof ways)[number], number>>

export const scenario: Scenario = {
  description: 'How much does a job add to the journal that is synced, backed up and replicated?',
  minutes: 4,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const count = context.quick ? 200 : 1_000
  await using field = await startField(context, names, 1)
  const measured = await interleave(rounds, field.entrants, async (entrant, round) => {
    context.report(`round ${round} of ${rounds}: ${entrant.name}`)
    return await measure(entrant, count)
  })
  const of = (name: ContestantName, way: (typeof ways)[number]): number[] =>
    ([...measured].find(([entrant]) => entrant.name === name)?.[1] ?? []).map((bytes) => bytes[way])
  return {
    rows: ways.flatMap((way) =>
      field.entrants.map(({ name }): Row => ({
        section: `bytes of journal for each job, ${way}`,
        queue: name,
        bytes: round(median(of(name, way))),
        'min–max': spread(of(name, way)),
      })),
    ),
    targets: [],
    notes: [
      `medians of ${rounds} rounds; ${bulk} jobs in the backlog, ${count} one at a time, ${count} now and then`,
      'journal: the WAL of SQLite (frames of 4 KiB) and PostgreSQL (records, and whole pages after each checkpoint), the append-only file of Redis. What is moved from a WAL into the database later is not in it',
      'a payload has about 90 bytes of JSON',
      ...ways.map(
        (way) =>
          `${way}: ${field.entrants.map(({ name }) => `${name} ${round(median(of(name, way)))}`).join(', ')} bytes for each job`,
      ),
      ...field.notes,
      ...settings(field.entrants, 'throughput'),
    ],
    chart: {
      title: 'Journal',
      subtitle: 'bytes for each job; lower is better',
      panels: ways.map((way) => ({
        title: way,
        kind: 'ranking',
        unit: 'bytes',
        categories: field.entrants.map(({ name }) => name),
        series: [{ name: way, values: field.entrants.map(({ name }) => round(median(of(name, way)))) }],
      })),
    },
  }
}

async function measure({ place, processes, system }: Entrant, count: number): Promise<Bytes> {
  const [client] = processes
  await client!.call('clear', place)
  await client!.call('open', place)
  await using journal = await openJournal(place)
  const spent = async (jobs: number, work: () => Promise<unknown>): Promise<number> => {
    const before = await journal.bytes()
    await work()
    return ((await journal.bytes()) - before) / jobs
  }
  const single = await spent(count, () => client!.call('pace', { count, pauseMs: 0 }))
  const many = await spent(bulk, () => client!.call('fill', { count: bulk }))
  const drained = await spent(count + bulk, async () => {
    const slots = slotsForNothing[system]
    await client!.call('work', { slots, tunedFor: 'throughput', milliseconds: 0 })
    await client!.call('settled', undefined)
  })
  const rare = await spent(count, async () => {
    await client!.call('pace', { count, pauseMs: 5 })
    await client!.call('settled', undefined)
  })
  await client!.call('close', undefined)
  return { [ways[0]]: single, [ways[1]]: many, [ways[2]]: drained, [ways[3]]: rare }
}
