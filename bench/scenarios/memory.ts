import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithUs } from '../harness/child.ts'
import type { Panel } from '../harness/chart.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import { loadPages } from '../load/pages.ts'
import { FreshNews, readPages } from '../production/fresh-news.ts'
import { memoryOf } from '../production/proc.ts'
import type { Memory } from '../production/proc.ts'
import type { RunningApp } from '../production/running-app.ts'

/** A process gives back what only its start needed when it has been ready for a while. */
const restMs = 5_000
const pages = 100
const connections = 16
const trees = [1, 2, 3]
const limit = 150
const megabyte = 1024 ** 2

/** One process, in megabytes. */
type ProcessMemory = Memory & { readonly name: string }
type Tree = readonly ProcessMemory[]

/** The tree after the first pages, and after as much load as it can take. */
interface Found {
  readonly early: Tree
  readonly late: Tree
}

export const scenario: Scenario = {
  description: 'How much memory does the process tree take, and each further process?',
  minutes: 5,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 5
  const seconds = context.quick ? 1 : 10
  context.report('building handcar, seeding Lorem News')
  const news = await FreshNews.make(context.folder)
  // Of the first start nothing is measured: it fills the code cache.
  await news.run({ processes: 1 }, (app) => readPages(app, pages))
  const bare = await bareNode()
  const found = await interleave(rounds, trees, async (processes, round) => {
    context.report(`round ${round} of ${rounds}: ${processes} web`)
    return await news.run({ processes }, (app) => measureTwice(app, processes, seconds))
  })
  const of = (processes: number, what: (tree: Tree) => number): number[] =>
    found.get(processes)!.map(({ early }) => what(early))
  const further = (what: (tree: Tree) => number): string => {
    const each = of(3, what).map((three, index) => (three - of(1, what)[index]!) / 2)
    return `${round(median(each))} MB (${spread(each)})`
  }
  const promise = (name: string, what: (tree: Tree) => number) =>
    target(name, median(of(1, what)), '<', limit, 'MB', spread(of(1, what)))
  return {
    rows: [...found].flatMap(([processes, all]) => toRows(processes, all)),
    targets: [
      promise('1 web: RSS of all processes added up, a shared page counted in each', rssOf),
      promise('1 web: what the tree takes, a shared page counted once', sharedOnceOf),
    ],
    notes: [
      `Lorem News by handcar start, built and installed, its code cache filled by an earlier start; ${restMs / 1000} s after it was ready, ${pages} pages per web process, one after another; medians of ${rounds} rounds`,
      `a Node that runs an empty program takes ${round(bare.rss)} MB of RSS, of which ${round(bare.own)} MB are its own; the rest are pages of its binary, which all processes share`,
      `each further web process: RSS ${further(rssOf)}, of its own ${further(ownOf)}`,
      `under load: after ${seconds} s of as many pages as it can serve to ${connections} connections, with what V8 has not collected yet`,
    ],
    chart: {
      title: 'Memory',
      subtitle: `Lorem News after ${pages} pages per web process`,
      panels: [
        panel('RSS added up', (processes) => of(processes, rssOf)),
        panel('a shared page counted once', (processes) => of(processes, sharedOnceOf)),
      ],
    },
  }
}

async function measureTwice(app: RunningApp, processes: number, seconds: number): Promise<Found> {
  await sleep(restMs)
  await readPages(app, pages * processes)
  const early = measure(app)
  const load = { paths: ['/posts'], marker: '</html>', connections, seconds }
  const { failed } = await loadPages({ ...load, origin: app.origin })
  if (failed > 0) throw new Error(`${failed} pages were wrong`)
  return { early, late: measure(app) }
}

function measure(app: RunningApp): Tree {
  return app.processes().map(({ name, pid }) => ({ name, ...megabytesOf(pid) }))
}

async function bareNode(): Promise<Memory> {
  const node = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log()'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  endWithUs(node)
  await once(node.stdout, 'data')
  const memory = megabytesOf(node.pid!)
  node.stdin.end()
  await once(node, 'exit')
  return memory
}

function megabytesOf(pid: number): Memory {
  const { rss, pss, own } = memoryOf(pid)
  return { rss: rss / megabyte, pss: pss / megabyte, own: own / megabyte }
}

const sum = (tree: Tree, what: keyof Memory): number => tree.reduce((all, each) => all + each[what], 0)
const rssOf = (tree: Tree): number => sum(tree, 'rss')
const pssOf = (tree: Tree): number => sum(tree, 'pss')
const ownOf = (tree: Tree): number => sum(tree, 'own')

/**
 * The pages that belong to one process each, and those that are shared: of these as many as the process has that uses most. PSS
 * would not do, because the Node of this benchmark shares them too.
 */
const sharedOnceOf = (tree: Tree): number => ownOf(tree) + Math.max(...tree.map(({ rss, own }) => rss - own))

function toRows(processes: number, found: readonly Found[]): Row[] {
  const row = (name: string, part: (tree: Tree) => Tree): Row => {
    const values = (when: keyof Found, what: (tree: Tree) => number): number[] =>
      found.map((each) => what(part(each[when])))
    const middle = (when: keyof Found, what: (tree: Tree) => number): number =>
      round(median(values(when, what)))
    return {
      section: `${processes} web`,
      process: name,
      'RSS MB': middle('early', rssOf),
      'min–max': spread(values('early', rssOf)),
      'PSS MB': middle('early', pssOf),
      'own MB': middle('early', ownOf),
      'shared once MB': middle('early', sharedOnceOf),
      'RSS MB under load': middle('late', rssOf),
      'own MB under load': middle('late', ownOf),
      'shared once MB under load': middle('late', sharedOnceOf),
    }
  }
  const names = found[0]!.early.map(({ name }) => name)
  return [
    ...names.map((name) => row(name, (tree) => tree.filter((each) => each.name === name))),
    row('the whole tree', (tree) => tree),
  ]
}

function panel(title: string, values: (processes: number) => number[]): Panel {
  return {
    title,
    kind: 'ranking',
    unit: 'MB',
    categories: trees.map((processes) => `handcar start, ${processes} web`),
    series: [{ name: title, values: trees.map((processes) => round(median(values(processes)))) }],
  }
}
