import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import { startField } from '../jobs/contestants.ts'
import type { ContestantName, Entrant } from '../jobs/contestants.ts'
import { settings } from '../jobs/settings.ts'
import { cpuSeconds, isAlive, treeOf, wakeUps, writtenBytes } from '../production/proc.ts'

const names: readonly ContestantName[] = [
  'handcar, disk',
  'BullMQ, AOF everysec',
  'pg-boss',
  'graphile-worker',
  'plainjob',
]
const ours = 'handcar, disk'
const jobsBefore = 200

/** What worker and server did while there was nothing to do. */
interface Use {
  readonly cpuSeconds: number
  readonly writtenBytes: number
  readonly wakeUps: number
}

export const scenario: Scenario = {
  description: 'What does a worker cost that has nothing to do?',
  minutes: 10,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const [rest, seconds] = context.quick ? [1, 4] : [8, 30]
  await using field = await startField(context, names, 1)
  const measured = await interleave(rounds, field.entrants, async (entrant, round) => {
    context.report(`round ${round} of ${rounds}: ${entrant.name}, ${seconds} s`)
    return await measure(entrant, rest, seconds)
  })
  const uses = (name: ContestantName): readonly Use[] =>
    [...measured].find(([entrant]) => entrant.name === name)?.[1] ?? []
  const percents = (name: ContestantName): number[] =>
    uses(name).map((use) => (100 * use.cpuSeconds) / seconds)
  return {
    rows: [...measured].map(([{ name }, found]): Row => ({
      section: `a worker and its server, ${seconds} s without a job`,
      queue: name,
      'CPU % of a core': round(median(percents(name))),
      'min–max': spread(percents(name)),
      'wake-ups/s': round(median(found.map((use) => use.wakeUps)) / seconds),
      'bytes written/s': round(median(found.map((use) => use.writtenBytes)) / seconds),
    })),
    targets: [
      target('bytes written', Math.max(...uses(ours).map((use) => use.writtenBytes)), '≤', 0),
      target('CPU', median(percents(ours)), '<', 0.5, '% of a core', spread(percents(ours))),
    ],
    notes: [
      `${rounds} rounds: ${jobsBefore} jobs, ${rest} s of rest, then ${seconds} s; medians; nothing pinned`,
      'the process that works and, where there is one, all processes of its server; CPU as the kernel counts it, in steps of 10 ms for each process; bytes: what the kernel was made to write to a disk',
      'all of an app of handcar, with supervisor and web processes, is measured by idle',
      ...field.notes,
      ...settings(field.entrants, 'rest'),
    ],
    chart: {
      title: 'A worker at rest',
      subtitle: `over ${seconds} s; lower is better`,
      panels: [
        {
          title: 'CPU',
          kind: 'ranking',
          unit: '% of a core',
          categories: field.entrants.map(({ name }) => name),
          series: [{ name: 'CPU', values: field.entrants.map(({ name }) => round(median(percents(name)))) }],
        },
      ],
    },
  }
}

async function measure(
  { place, processes, serverPid }: Entrant,
  rest: number,
  seconds: number,
): Promise<Use> {
  const [worker] = processes
  await worker!.call('clear', place)
  await worker!.call('open', place)
  await worker!.call('work', { slots: 10, tunedFor: 'rest', milliseconds: 0 })
  await worker!.call('pace', { count: jobsBefore, pauseMs: 5 })
  await worker!.call('settled', undefined)
  await sleep(rest * 1000)
  const pids = [worker!.pid, ...(serverPid === undefined ? [] : treeOf(serverPid))]
  const before = pids.map(useOf)
  await sleep(seconds * 1000)
  // A server may end processes of its own meanwhile, as PostgreSQL does with one that looks after its tables.
  const after = pids.map((pid, index) => (isAlive(pid) ? useOf(pid) : before[index]!))
  await worker!.call('close', undefined)
  const grown = (what: keyof Use): number =>
    pids.reduce((sum, _, index) => sum + after[index]![what] - before[index]![what], 0)
  return {
    cpuSeconds: grown('cpuSeconds'),
    writtenBytes: grown('writtenBytes'),
    wakeUps: grown('wakeUps'),
  }
}

function useOf(pid: number): Use {
  return { cpuSeconds: cpuSeconds(pid), writtenBytes: writtenBytes(pid), wakeUps: wakeUps(pid) }
}
