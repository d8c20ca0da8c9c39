import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import { FreshNews, readPages } from '../production/fresh-news.ts'
import { cpuSeconds, wakeUps, writtenBytes } from '../production/proc.ts'
import type { NamedProcess, RunningApp } from '../production/running-app.ts'

const pages = 100
const trees = [1, 2]

/** What a process did. */
interface Use {
  readonly cpuSeconds: number
  readonly writtenBytes: number
  readonly wakeUps: number
}

interface Idleness {
  readonly byProcess: readonly (Use & { readonly name: string })[]
  /** Files in the data folder whose size or time of change is another. */
  readonly changed: readonly string[]
}

export const scenario: Scenario = {
  description: 'What does an app that nobody visits cost?',
  minutes: 8,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 3
  const [rest, seconds] = context.quick ? [2, 10] : [10, 60]
  context.report('building handcar, seeding Lorem News')
  const news = await FreshNews.make(context.folder)
  const found = await interleave(rounds, trees, async (processes, round) => {
    context.report(`round ${round} of ${rounds}: ${processes} web, ${rest} s of rest and ${seconds} s`)
    return await news.run({ processes }, async (app) => {
      await readPages(app, pages)
      await sleep(rest * 1000)
      return await watch(app, seconds)
    })
  })
  const of = (processes: number, value: (found: Idleness) => number): number[] =>
    found.get(processes)!.map(value)
  const cpu = (all: Idleness): number => (100 * sumOf(all, 'cpuSeconds')) / seconds
  const written = (all: Idleness): number => sumOf(all, 'writtenBytes')
  const changed = [...new Set([...found.values()].flat().flatMap((all) => all.changed))]
  return {
    rows: [...found].flatMap(([processes, all]) => toRows(processes, all, seconds)),
    targets: trees.flatMap((processes) => {
      const tree = `the whole tree with ${processes} web`
      const used = of(processes, cpu)
      return [
        target(`CPU of ${tree}`, median(used), '<', 0.5, '% of a core', spread(used)),
        target(`bytes written by ${tree}`, Math.max(...of(processes, written)), '≤', 0),
      ]
    }),
    notes: [
      `Lorem News by handcar start, built and installed; ${pages} pages served, ${rest} s of rest, then ${seconds} s; ${rounds} rounds`,
      'user and system time of supervisor, guard and web processes as the kernel counts it, in steps of 10 ms each; nothing pinned',
      'bytes written: what the processes made the kernel write to a disk, mapped files included',
      changed.length === 0
        ? 'no file in the data folder changed its size or its time of change'
        : `files in the data folder that changed: ${changed.join(', ')}`,
    ],
    chart: {
      title: 'An app at rest',
      subtitle: `the whole process tree, over ${seconds} s; lower is better`,
      panels: [
        {
          title: 'CPU',
          kind: 'ranking',
          unit: '% of a core',
          categories: trees.map((processes) => `handcar start, ${processes} web`),
          series: [{ name: 'CPU', values: trees.map((processes) => round(median(of(processes, cpu)))) }],
        },
      ],
    },
  }
}

async function watch(app: RunningApp, seconds: number): Promise<Idleness> {
  const processes = app.processes()
  const files = filesIn(app.data)
  const before = processes.map(useOf)
  await sleep(seconds * 1000)
  const after = processes.map(useOf)
  const later = filesIn(app.data)
  const names = [...new Set([...files.keys(), ...later.keys()])]
  return {
    byProcess: processes.map(({ name }, index) => ({
      name,
      cpuSeconds: after[index]!.cpuSeconds - before[index]!.cpuSeconds,
      writtenBytes: after[index]!.writtenBytes - before[index]!.writtenBytes,
      wakeUps: after[index]!.wakeUps - before[index]!.wakeUps,
    })),
    changed: names.filter((name) => files.get(name) !== later.get(name)),
  }
}

function useOf({ pid }: NamedProcess): Use {
  return { cpuSeconds: cpuSeconds(pid), writtenBytes: writtenBytes(pid), wakeUps: wakeUps(pid) }
}

/** Size and times of each file. Looking at them changes none. */
function filesIn(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return new Map(
    ['.', ...names].map((name) => {
      const { size, mtimeMs, ctimeMs } = statSync(join(folder, name))
      return [name, `${size} ${mtimeMs} ${ctimeMs}`]
    }),
  )
}

function sumOf({ byProcess }: Idleness, what: keyof Use): number {
  return byProcess.reduce((sum, use) => sum + use[what], 0)
}

function toRows(processes: number, found: readonly Idleness[], seconds: number): Row[] {
  const row = (name: string, uses: readonly Use[]): Row => {
    const percents = uses.map((use) => (100 * use.cpuSeconds) / seconds)
    return {
      section: `${processes} web, ${seconds} s without a request`,
      process: name,
      'CPU % of a core': round(median(percents)),
      'min–max': spread(percents),
      'wake-ups/s': round(median(uses.map((use) => use.wakeUps)) / seconds),
      'bytes written': Math.max(...uses.map((use) => use.writtenBytes)),
    }
  }
  const whole = found.map((all) => ({
    cpuSeconds: sumOf(all, 'cpuSeconds'),
    writtenBytes: sumOf(all, 'writtenBytes'),
    wakeUps: sumOf(all, 'wakeUps'),
  }))
  return [
    ...found[0]!.byProcess.map(({ name }, index) =>
      row(
        name,
        found.map((all) => all.byProcess[index]!),
      ),
    ),
    row('the whole tree', whole),
  ]
}
