import { findLitestreams } from '../backup/litestreams.ts'
import { s3IsMissing } from '../backup/place.ts'
import { measureRestores } from '../backup/restores.ts'
import type { RestoreTimes } from '../backup/restores.ts'
import { measureWrites, rate } from '../backup/writes.ts'
import type { Lengths, Way, WritesMeasurement } from '../backup/writes.ts'
import { rowBytes } from '../backup/rows.ts'
import type { LitestreamBinary, LitestreamLine } from 'handcar/backup'
import { Latencies } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target, untested } from '../harness/targets.ts'
import type { Target } from '../harness/targets.ts'

const alone = 'handcar alone'
const lines: readonly LitestreamLine[] = ['0.5', '0.3']
/** Rows of the large database: about 1 GB, or 40 MB. */
const largeRows = { full: 2_450_000, quick: 95_000 }

type Measurements = ReadonlyMap<Way, readonly WritesMeasurement[]>

export const scenario: Scenario = {
  description:
    'What does a backup of every commit cost, how much may be lost, and how long does a restore take?',
  minutes: 12,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const { quick, folder } = context
  const report = (line: string): void => context.report(line)
  const { found, missing } = await findLitestreams()
  const rounds = quick ? 1 : 3
  const lengths: Lengths = quick
    ? { warmUp: 2, paced: 3, flatOut: 2, losses: 3 }
    : { warmUp: 2, paced: 5, flatOut: 4, losses: 6 }
  const ways = waysWith(found)
  const measurements = await interleave(rounds, ways, async (way, number) => {
    report(`round ${number} of ${rounds}: ${way.name}`)
    return await measureWrites(folder, way, lengths)
  })
  const rows = quick ? largeRows.quick : largeRows.full
  const restores = await measureRestores(
    folder,
    { rows, rounds: Math.min(rounds, 2), report },
    found.values(),
  )
  return {
    rows: [...writeRows(measurements), ...replicationRows(measurements), ...restoreRows(restores)],
    targets: [...targets(measurements), restoreTarget(restores)],
    notes: [
      `rows of ${rowBytes} bytes, one transaction each: ${rate} a second for ${lengths.paced} s, times counted from when each was due; then flat out for ${lengths.flatOut} s with 64 in flight`,
      `${rounds} rounds, interleaved, each on a fresh database; one process writes, a second one coordinates and runs Litestream, nothing pinned`,
      "handcar: durability 'disk', replication with its defaults; driver: better-sqlite3, synchronous=normal, autocheckpoint, which waits for no disk: compare each with its own line alone",
      'by hand: Litestream with its defaults (looks each second; 0.3 with RESTART above 10,000 pages), beside the driver or beside handcar, whose checkpointer then does not give way',
      'lag: at random moments the files of the replica are linked; what Litestream restores of them later is compared with what had been written: the age of the oldest write that is missing; with so few moments p99 is the largest',
      `"${alone}, again" is the same once more: by how much it differs is the noise of this machine, and no smaller difference means anything`,
      's3: s3rver on the same machine, which takes CPU time from both; its files are linked in the same way',
      'restore: from a folder on the same disk, with warm caches; "handcar restore" checks the whole file, syncs it and puts it in its place',
      `${[...measurements.values()].flat().reduce((sum, { audited }) => sum + audited, 0)} acknowledged writes were found in the databases and in what was restored of them, each with its own content; only restores of Litestream by hand may be damaged, and are counted`,
      ...[...missing, s3IsMissing()].filter((each) => each !== undefined).map((each) => `skipped: ${each}`),
      ...[...found.values()].map(({ line, version }) => `Litestream ${line}: ${version}`),
    ],
    chart: chart(measurements, restores),
  }
}

function waysWith(found: ReadonlyMap<LitestreamLine, LitestreamBinary>): Way[] {
  const ways: Way[] = [
    { name: alone, writer: 'handcar' },
    { name: `${alone}, again`, writer: 'handcar' },
  ]
  for (const litestream of lines.flatMap((line) => found.get(line) ?? [])) {
    const { line } = litestream
    const ours = { litestream, by: 'handcar' } as const
    ways.push({
      name: `handcar, backup ${line} folder`,
      writer: 'handcar',
      replication: { ...ours, place: 'folder' },
    })
    if (line === '0.5' && s3IsMissing() === undefined)
      ways.push({
        name: `handcar, backup ${line} s3`,
        writer: 'handcar',
        replication: { ...ours, place: 's3' },
      })
  }
  ways.push({ name: 'driver alone', writer: 'driver' })
  for (const litestream of lines.flatMap((line) => found.get(line) ?? [])) {
    const byHand = { litestream, by: 'hand', place: 'folder' } as const
    ways.push({ name: `driver, ${litestream.line} by hand`, writer: 'driver', replication: byHand })
    ways.push({ name: `handcar, ${litestream.line} by hand`, writer: 'handcar', replication: byHand })
  }
  return ways
}

function writeRows(measurements: Measurements): Row[] {
  const loads = [
    { name: `${rate} writes a second`, of: (found: WritesMeasurement) => found.paced },
    { name: 'writes flat out', of: (found: WritesMeasurement) => found.flatOut },
  ]
  return loads.flatMap(({ name, of }) =>
    [...measurements].map(([way, found]): Row => {
      const rates = found.map((each) => of(each).perSecond)
      const { p50, p99, max } = Latencies.merge(found.map((each) => of(each).latencies)).summary()
      return {
        section: name,
        way: way.name,
        'writes/s': round(median(rates)),
        'min–max': spread(rates),
        'against alone': round(median(ratios(measurements, way, (each) => of(each).perSecond))),
        'p50 ms': p50,
        'p99 ms': p99,
        'max ms': max,
      }
    }),
  )
}

function replicationRows(measurements: Measurements): Row[] {
  const middle = (values: readonly (number | undefined)[]): number | null => {
    const known = values.filter((each) => each !== undefined)
    return known.length === 0 ? null : round(median(known))
  }
  return [...measurements].map(([way, found]): Row => {
    const lags = found.flatMap((each) => each.lags)
    return {
      section: 'replication',
      way: way.name,
      'lag p50 ms': lags.length === 0 ? null : percentile(lags, 50),
      'lag p99 ms': lags.length === 0 ? null : percentile(lags, 99),
      'lag after flat out ms': middle(found.map(({ lagAfter }) => lagAfter)),
      'CPU % paced': middle(found.map(({ cpuPaced }) => cpuPaced && cpuPaced * 100)),
      'CPU % flat out': middle(found.map(({ cpuFlatOut }) => cpuFlatOut && cpuFlatOut * 100)),
      'RSS MB': middle(found.map(({ rssMb }) => rssMb)),
      'largest WAL MB': round(Math.max(...found.map(({ walMb }) => walMb))),
      'damaged restores': found.reduce((sum, { damaged }) => sum + damaged, 0),
      pauses: found.reduce((sum, { pauses }) => sum + (pauses?.pauses ?? 0), 0),
      'longest pause ms': round(Math.max(...found.map(({ pauses }) => pauses?.longestPause ?? 0))),
    }
  })
}

function restoreRows({ megabytes, seconds }: RestoreTimes): Row[] {
  const plain = median(seconds.get('cp and fsync')!)
  return [...seconds].map(([way, found]) => ({
    section: `restore of ${Math.round(megabytes)} MB`,
    way,
    seconds: round(median(found)),
    'min–max': spread(found),
    'MB/s': round(megabytes / median(found)),
    'against cp': round(median(found) / plain),
  }))
}

function targets(measurements: Measurements): Target[] {
  const replicated = [...measurements].filter(([way]) => way.replication?.by === 'handcar')
  if (replicated.length === 0)
    return [untested('write throughput with replication', '≥ 90 %', 'no Litestream')]
  return replicated.flatMap(([way, found]) => {
    const paced = ratios(measurements, way, (each) => each.paced.perSecond).map((each) => each * 100)
    const flatOut = ratios(measurements, way, (each) => each.flatOut.perSecond).map((each) => each * 100)
    const lags = found.flatMap((each) => each.lags)
    return [
      target(`${way.name}: ${rate} writes a second, kept`, median(paced), '≥', 90, '%', spread(paced)),
      target(`${way.name}: writes flat out, kept`, median(flatOut), '≥', 90, '%', spread(flatOut)),
      target(`${way.name}: lag p99`, percentile(lags, 99), '<', 1500, 'ms', spread(lags)),
    ]
  })
}

function restoreTarget({ megabytes, seconds }: RestoreTimes): Target {
  const ours = [...seconds].filter(([way]) => way.startsWith('handcar')).map(([, found]) => median(found))
  const name = `handcar restore of ${Math.round(megabytes)} MB, the fastest`
  return ours.length === 0
    ? untested(name, '< 60 s', 'no Litestream')
    : target(name, Math.min(...ours), '<', 60, 's')
}

/** Each round against the same round without replication. */
function ratios(measurements: Measurements, way: Way, value: (found: WritesMeasurement) => number): number[] {
  const base = [...measurements].find(([{ writer, replication }]) => writer === way.writer && !replication)!
  return measurements.get(way)!.map((found, index) => value(found) / value(base[1][index]!))
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return round(sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!)
}

function chart(measurements: Measurements, restores: RestoreTimes): ScenarioOutcome['chart'] {
  const ways = [...measurements]
  const replicated = ways.filter(([, found]) => found[0]!.lags.length > 0)
  const rank = (
    title: string,
    unit: string,
    of: readonly (readonly [string, number])[],
  ): ScenarioOutcome['chart']['panels'][number] => ({
    title,
    kind: 'ranking',
    unit,
    categories: of.map(([name]) => name),
    series: [{ name: title, values: of.map(([, value]) => round(value)) }],
  })
  return {
    title: 'Backup',
    subtitle: 'rows of 400 bytes, one transaction each, while every commit is replicated',
    panels: [
      rank(
        'writes flat out',
        'writes/s',
        ways.map(([way, found]) => [way.name, median(found.map(({ flatOut }) => flatOut.perSecond))]),
      ),
      rank(
        `p99 at ${rate} writes a second`,
        'ms',
        ways.map(([way, found]) => [
          way.name,
          Latencies.merge(found.map(({ paced }) => paced.latencies)).percentile(99),
        ]),
      ),
      rank(
        'lag, p99',
        'ms',
        replicated.map(([way, found]) => [
          way.name,
          percentile(
            found.flatMap(({ lags }) => lags),
            99,
          ),
        ]),
      ),
      rank(
        `restore of ${Math.round(restores.megabytes)} MB`,
        's',
        [...restores.seconds].map(([name, found]) => [name, median(found)]),
      ),
    ],
  }
}
