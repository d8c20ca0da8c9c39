import { startProcess } from '../harness/child.ts'
import type { Row, ScenarioContext } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import type { StreamResult } from '../load/plan.ts'
import type { HogHandlers, HogKind } from '../processes/hog-process.ts'
import { modes } from './application.ts'
import type { Mode } from './application.ts'
import { mergedLatencies, throughput, total, withApplication } from './measure.ts'
import type { Session } from './measure.ts'

const hogFile = new URL('../processes/hog-process.ts', import.meta.url)
const clients = 32
const processes = 2
const openRate = 800

/** How long the interleaved rounds are. */
export interface RoundsSize {
  readonly rounds: number
  readonly seconds: number
  /** The open loop: long enough for p99.99. */
  readonly openSeconds: number
  /** How long an answer may take beside a hog, in milliseconds. */
  readonly patience: number
}

type ByMode = ReadonlyMap<Mode, readonly StreamResult[]>

/** What the rounds found. */
export interface RoundsFound {
  readonly rows: readonly Row[]
  readonly targets: readonly Target[]
  /** Every result in handcar mode, to count its failures. */
  readonly handcar: readonly StreamResult[]
}

/** `balanced` at 32 clients: all modes alone, two of them beside a hog, and an open loop. */
export async function runRounds(
  context: ScenarioContext,
  seeded: string,
  size: RoundsSize,
): Promise<RoundsFound> {
  const run = (mode: Mode, body: (session: Session) => Promise<StreamResult>) =>
    withApplication(
      { seeded, folder: context.folder, mode, processes, route: 'balanced', timeout: size.patience },
      size.seconds / 4,
      body,
    )
  const alone = await interleave(size.rounds, modes, async (mode, number) => {
    context.report(`balanced, ${clients} clients, round ${number} of ${size.rounds}: ${mode}`)
    return await run(mode, ({ closed }) => closed(clients, size.seconds))
  })
  const besideHog = async (kind: HogKind): Promise<ByMode> =>
    await interleave(size.rounds, ['immediate-timeout', 'handcar'] as const, async (mode, number) => {
      context.report(`balanced beside a hog (${kind}), round ${number} of ${size.rounds}: ${mode}`)
      return await run(mode, async ({ application, closed }) => {
        await using hog = startProcess<HogHandlers>(hogFile)
        await hog.call('start', { path: application.path, kind })
        const result = await closed(clients, size.seconds)
        await hog.call('stop', undefined)
        return result
      })
    })
  const stranger = await besideHog('stranger')
  const neighbour = await besideHog('handcar')
  const open = await interleave(
    1,
    ['immediate-timeout', 'immediate-retry', 'handcar'] as const,
    async (mode) => {
      context.report(`balanced, open loop of ${openRate}/s: ${mode}`)
      return await run(mode, (session) => session.open(openRate, size.openSeconds))
    },
  )
  const sections: readonly (readonly [string, ByMode])[] = [
    [`balanced, ${clients} clients, ${processes} processes, interleaved rounds`, alone],
    [`balanced, ${clients} clients, beside a stranger that writes 3–6 ms transactions`, stranger],
    [`balanced, ${clients} clients, beside a handcar process that writes 5 ms transactions`, neighbour],
    [`balanced, open loop of ${openRate} requests/s, ${processes} processes`, open],
  ]
  return {
    rows: sections.flatMap(([section, byMode]) => toRows(section, byMode)),
    targets: [
      throughputTarget(alone),
      tailTarget('p99.99 at 32 clients beside a stranger, against immediate + C timeout', stranger),
      tailTarget('p99.99 at 32 clients beside a handcar process, against immediate + C timeout', neighbour),
    ],
    handcar: sections.flatMap(([, byMode]) => byMode.get('handcar')!),
  }
}

function toRows(section: string, byMode: ByMode): Row[] {
  return [...byMode].map(([mode, results]) => {
    const rates = results.map(throughput)
    const { p50, p99, p999, p9999, max } = mergedLatencies(results)
    return {
      section,
      mode,
      'requests/s': round(median(rates)),
      'min–max': spread(rates),
      failed: total(results, 'failed'),
      'gone (404)': total(results, 'gone'),
      'p50 ms': p50,
      'p99 ms': p99,
      'p99.9 ms': p999,
      'p99.99 ms': p9999,
      'max ms': max,
    }
  })
}

function throughputTarget(alone: ByMode): Target {
  const rates = new Map([...alone].map(([mode, results]) => [mode, median(results.map(throughput))]))
  const rivals = [...rates]
    .filter(([mode]) => mode !== 'handcar')
    .toSorted((left, right) => right[1] - left[1])
  const [rival, rate] = rivals[0]!
  const note = `the fastest other mode is ${rival}; right answers only`
  return target(
    'balanced throughput against the fastest other mode',
    rates.get('handcar')! / rate,
    '≥',
    1,
    '×',
    note,
  )
}

function tailTarget(name: string, byMode: ByMode): Target {
  const theirs = byMode.get('immediate-timeout')!
  const ours = byMode.get('handcar')!
  const ratios = theirs.map(
    (result, index) => mergedLatencies([result]).p9999 / mergedLatencies([ours[index]!]).p9999,
  )
  return target(
    name,
    mergedLatencies(theirs).p9999 / mergedLatencies(ours).p9999,
    '≥',
    5,
    '× lower',
    spread(ratios),
  )
}
