import { startProcess } from '../harness/child.ts'
import { findPostgres, startPostgres } from '../harness/postgres.ts'
import type { Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'
import { postgresRead } from '../overhead/postgres.ts'
import type { OverheadHandlers } from '../processes/overhead-process.ts'

const processFile = new URL('../processes/overhead-process.ts', import.meta.url)

export const scenario: Scenario = {
  description: 'What does handcar cost on top of the raw driver, and Kysely on top of both?',
  minutes: 2,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 3 : 7
  const seconds = context.quick ? 0.3 : 0.8
  await using resources = new AsyncDisposableStack()
  const found = await findPostgres()
  const postgres =
    'binaries' in found ? resources.use(await startPostgres(found.binaries, context.folder)) : undefined
  const missing = 'missing' in found ? found.missing : undefined
  const measured = resources.use(startProcess<OverheadHandlers>(processFile))
  const names = await measured.call('prepare', { folder: context.folder, postgres: postgres?.connection })
  const rates = await interleave(rounds, names, async (name, round) => {
    if (name === names[0]) context.report(`round ${round} of ${rounds}`)
    return await measured.call('measure', { name, seconds })
  })
  const writes = await measured.call('audit', { folder: context.folder })
  const of = (name: string): number => median(rates.get(name) ?? [])
  return {
    rows: names.map((name) => ({
      section: name.split(':')[0]!,
      what: name.slice(name.indexOf(':') + 2),
      'per second': round(of(name)),
      'min–max': spread(rates.get(name)!),
      microseconds: round(1e6 / of(name)),
    })),
    targets: targets(of, rates, missing),
    notes: [
      `medians of ${rounds} rounds of ${seconds} s, interleaved; one operation after another, in one process, not pinned`,
      `every row read was checked; ${writes} writes were acknowledged and found exactly once`,
      missing ?? `PostgreSQL ${postgres!.version}, its defaults, through pg over a unix socket`,
    ],
    chart: {
      title: 'Overhead',
      subtitle: 'operations a second, one after another (higher is better)',
      panels: ['point read', '100 rows', 'write'].map((section) => {
        const members = names.filter((name) => name.startsWith(`${section}:`) && !name.includes('not run'))
        return {
          title: section,
          kind: 'ranking' as const,
          unit: 'operations/s',
          categories: members.map((name) => name.slice(section.length + 2)),
          series: [{ name: section, values: members.map((name) => round(of(name))) }],
        }
      }),
    },
  }
}

function targets(
  of: (name: string) => number,
  rates: ReadonlyMap<string, readonly number[]>,
  missing: string | undefined,
): Target[] {
  const point = 'point read: database.get(text)'
  const raw = 'point read: raw driver'
  const perRound = (name: string, base: string): string =>
    spread((rates.get(name) ?? []).map((rate, index) => rate / rates.get(base)![index]!))
  return [
    target('database.get against the raw driver', of(point) / of(raw), '≥', 0.8, '×', perRound(point, raw)),
    kyselyTarget(of),
    missing === undefined
      ? target(
          'database.get against PostgreSQL',
          of(point) / of(postgresRead),
          '≥',
          8,
          '×',
          perRound(point, postgresRead),
        )
      : untested('database.get against PostgreSQL', '≥ 8 ×', missing),
  ]
}

/** At least 1.5 times Kysely's own dialect; or, where compiling costs too much for that, within 10 % of what it allows. */
function kyselyTarget(of: (name: string) => number): Target {
  const name = 'Kysely on handcar against its own dialect'
  const ours = of('point read: Kysely on handcar')
  const ratio = ours / of("point read: Kysely's own dialect")
  const allowed =
    1 / (1 / of('point read: compiled by Kysely, not run') + 1 / of('point read: database.get(text)'))
  const share = ours / allowed
  const note = `compiling and database.get alone would allow ${round(allowed)}/s; ours is ${round(share * 100)} % of that`
  const byRatio = target(name, ratio, '≥', 1.5, '×', note)
  return byRatio.met ? byRatio : { ...byRatio, target: '≥ 1.5 ×, or 90 % of the allowed', met: share >= 0.9 }
}
