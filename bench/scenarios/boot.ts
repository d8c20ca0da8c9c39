import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import { measureBoot } from '../production/boot.ts'
import type { Boot } from '../production/boot.ts'
import { FreshNews } from '../production/fresh-news.ts'
import { fromSource, loremNewsSource } from '../production/installation.ts'

const limit = 400

/** A way to start. */
interface Way {
  readonly name: string
  readonly fromSource?: boolean
  /** Whether no start before has left compiled code behind. */
  readonly first?: boolean
}

const again: Way = { name: 'handcar start, again' }
const firstEver: Way = { name: 'handcar start, the first after an install', first: true }
const source: Way = { name: 'handcar start from source (npm start), again', fromSource: true }
const ways = [again, firstEver, source]

export const scenario: Scenario = {
  description: 'How long does it take from `handcar start` to the first page?',
  minutes: 2,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const starts = context.quick ? 3 : 15
  context.report('building handcar, seeding Lorem News')
  const news = await FreshNews.make(context.folder)
  let caches = 0
  const start = async ({ fromSource: isSource = false, first = false }: Way): Promise<Boot> => {
    await using place = await news.place()
    const cache = first ? join(context.folder, `code-cache-${++caches}`) : undefined
    const options = news.options(place, {
      processes: 1,
      ...(isSource && { installation: fromSource, folder: loremNewsSource }),
      ...(cache !== undefined && { environment: { NODE_COMPILE_CACHE: cache } }),
    })
    return await measureBoot({ ...options, log: place.log }, '/posts')
  }
  // Leaves compiled code behind, for those that start again.
  for (const way of [again, source]) await start(way)
  const found = await interleave(starts, ways, async (way, round) => {
    context.report(`start ${round} of ${starts}: ${way.name}`)
    return await start(way)
  })
  const answered = (way: Way): number[] => found.get(way)!.map((boot) => boot.answered)
  const node = bareNode(starts)
  return {
    rows: [...found].map(([way, boots]) => toRow(way, boots)),
    targets: [again, firstEver].map((way) =>
      target(`${way.name}: the first page`, median(answered(way)), '<', limit, 'ms', spread(answered(way))),
    ),
    notes: [
      `Lorem News with one web process and a database that is there and seeded; from the start of the command until the whole page of the 50 newest posts has arrived; medians of ${starts} starts each, interleaved; nothing pinned`,
      'built and installed as by a deploy; the app itself is TypeScript and JSX in every way of starting. Again: an earlier start has left compiled code in Node’s code cache; the files are in the page cache each time',
      `a Node that runs an empty program takes ${round(median(node))} ms (${spread(node)}) on this machine; a tree has two, one after the other`,
      'listening: somebody can connect, and waits; prepared: the web process is being started; ready: by the log',
    ],
    chart: {
      title: 'Starting',
      subtitle: 'milliseconds since the command was started; lower is better',
      panels: [
        {
          title: 'the first page',
          kind: 'ranking',
          unit: 'ms',
          categories: ways.map(({ name }) => name.replace('handcar start', 'handcar')),
          series: [{ name: 'first page', values: ways.map((way) => round(median(answered(way)))) }],
        },
        {
          title: again.name,
          kind: 'ranking',
          unit: 'ms',
          categories: steps.map((step) => step),
          series: [
            {
              name: again.name,
              values: steps.map((step) => round(median(found.get(again)!.map((boot) => boot[step])))),
            },
          ],
        },
      ],
    },
  }
}

const steps = ['listening', 'prepared', 'ready', 'answered'] as const

function toRow(way: Way, boots: readonly Boot[]): Row {
  const middle = (step: keyof Boot): number => round(median(boots.map((boot) => boot[step])))
  return {
    section: 'milliseconds since the command was started',
    start: way.name,
    ...Object.fromEntries(steps.map((step) => [step, middle(step)])),
    'answered min–max': spread(boots.map(({ answered }) => answered)),
  }
}

/** How long Node takes for nothing, in milliseconds. */
function bareNode(times: number): number[] {
  return Array.from({ length: times }, () => {
    const startedAt = performance.now()
    spawnSync(process.execPath, ['-e', '0'])
    return performance.now() - startedAt
  })
}
