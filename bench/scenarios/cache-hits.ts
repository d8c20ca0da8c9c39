import { startField } from '../cache/contestants.ts'
import type { Entrant } from '../cache/contestants.ts'
import { simulate, type Replayed } from '../cache/simulate.ts'
import { makeTrace, type TraceSettings } from '../cache/trace.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { round } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'

type Shape = Pick<TraceSettings, 'sizes' | 'scans'>

const shapes = {
  'Zipf, values of 1 kB': { sizes: 'alike', scans: 0 },
  'Zipf, values of 100 B to 10 kB': { sizes: 'mixed', scans: 0 },
  'Zipf and scans, values of 1 kB': { sizes: 'alike', scans: 0.2 },
} as const satisfies Record<string, Shape>

type ShapeName = keyof typeof shapes
const shapeNames = Object.keys(shapes) as ShapeName[]
const lru = 'LRU, without any overhead'
const fifo = 'FIFO, without any overhead'
const sameContent = 'LRU, as much content'
// Its layer in memory would be more than it is given, and keeps for its process what the file has no room for.
const ours = 'handcar, file only'

/** `mostBytes`: what was in use of the bound at most, where the cache says so. */
type Outcome = Replayed & { readonly mostBytes?: number | undefined }

export const scenario: Scenario = {
  description: 'How many reads does a cache of so many bytes answer?',
  minutes: 5,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const { quick } = context
  const maxBytes = (quick ? 4 : 16) * 1024 ** 2
  const keys = quick ? 20_000 : 80_000
  const reads = quick ? 60_000 : 600_000
  const exponent = 0.9
  await using field = await startField(context, {
    names: [ours, 'Redis', 'lru-cache'],
    processes: 1,
    maxBytes,
  })
  const found = new Map<ShapeName, Map<string, Outcome>>()
  for (const shape of shapeNames) {
    context.report(shape)
    const settings = { keys, reads, exponent, ...shapes[shape] }
    const outcome = new Map<string, Outcome>()
    for (const entrant of field.entrants) outcome.set(entrant.name, await replay(entrant, settings))
    const trace = makeTrace(settings)
    outcome.set(sameContent, simulate('LRU', trace, settings, outcome.get(ours)!.bytes))
    outcome.set(lru, simulate('LRU', trace, settings, maxBytes))
    outcome.set(fifo, simulate('FIFO', trace, settings, maxBytes))
    found.set(shape, outcome)
  }
  const percent = (shape: ShapeName, name: string): number => 100 * found.get(shape)!.get(name)!.hitRatio
  return {
    rows: shapeNames.flatMap((shape) =>
      [...found.get(shape)!].map(([name, each]) => toRow(shape, name, each)),
    ),
    targets: shapeNames.flatMap((shape) => [
      target(
        `${shape}: the bound is kept at all times`,
        (100 * found.get(shape)!.get(ours)!.mostBytes!) / maxBytes,
        '≤',
        101,
        '%',
      ),
      ...[lru, sameContent].map((than) =>
        target(
          `${shape}: points that handcar is above ${than}`,
          percent(shape, ours) - percent(shape, than),
          '≥',
          -1,
          'points',
        ),
      ),
    ]),
    notes: [
      `${reads} reads of ${keys} keys, exponent ${exponent}; what is missing is stored; the second half of the reads counts. With scans, a fifth of the reads goes, 500 at a time, through keys that nobody asks for twice, so that four fifths can be hits at most`,
      `all are given ${maxBytes / 1024 ** 2} MB. handcar's bound is on the pages of its file, Redis' on all that it has allocated since it was empty, lru-cache's and that of the simulated rules on bytes of keys and values alone`,
      `"${sameContent}": LRU with room for as many bytes of keys and values as handcar holds at the end; what is between it and handcar is the rule, the rest is the file`,
      'the trace follows from its settings: bench/cache/trace.ts',
      ...field.notes,
    ],
    chart: {
      title: 'Hit ratio',
      subtitle: `of caches of ${maxBytes / 1024 ** 2} MB; higher is better`,
      panels: shapeNames.map((shape) => ({
        title: shape,
        kind: 'ranking',
        unit: '% of the reads',
        categories: [...found.get(shape)!.keys()],
        series: [
          {
            name: 'hits',
            values: [...found.get(shape)!.keys()].map((name) => Number(percent(shape, name).toFixed(1))),
          },
        ],
      })),
    },
  }
}

async function replay({ place, processes }: Entrant, settings: TraceSettings): Promise<Outcome> {
  const client = processes[0]!
  await client.call('clear', place)
  await client.call('open', place)
  const replayed = await client.call('replay', settings)
  await client.call('close', undefined)
  return replayed
}

function toRow(section: string, name: string, { hitRatio, entries, bytes, mostBytes }: Outcome): Row {
  return {
    section,
    cache: name,
    'hits %': Number((100 * hitRatio).toFixed(2)),
    'entries at the end': entries,
    'MB of keys and values': round(bytes / 1024 ** 2),
    'most MB in use': mostBytes === undefined ? null : round(mostBytes / 1024 ** 2),
  }
}
