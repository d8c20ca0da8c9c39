import { copyFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess } from '../harness/child.ts'
import { checkIntegrity } from '../harness/audit.ts'
import { Latencies } from '../harness/latencies.ts'
import type { Row, Scenario, ScenarioContext, ScenarioOutcome } from '../harness/scenario.ts'
import { interleave, median, round, spread } from '../harness/statistics.ts'
import { target } from '../harness/targets.ts'
import type { CheckpointHandlers, CheckpointWay } from '../processes/checkpoint-process.ts'
import type { CoordinatorHandlers } from '../processes/coordinator-process.ts'
import { auditItems, createItems, itemCount } from '../processes/items.ts'
import type { ReaderHandlers } from '../processes/reader-process.ts'

const writerFile = new URL('../processes/checkpoint-process.ts', import.meta.url)
const coordinatorFile = new URL('../processes/coordinator-process.ts', import.meta.url)
const readerFile = new URL('../processes/reader-process.ts', import.meta.url)
const rate = 2000
const sampleMs = 20

interface Cell {
  readonly way: CheckpointWay
  readonly longReader: boolean
}

interface Measurement {
  readonly latencies: string
  readonly perSecond: number
  readonly delayP99: number
  readonly walMb: number
}

const ways: readonly CheckpointWay[] = ['autocheckpoint 1000', 'handcar', 'none']
const cells: readonly Cell[] = [false, true].flatMap((longReader) => ways.map((way) => ({ way, longReader })))

export const scenario: Scenario = {
  description: 'Who pays for moving the WAL into the file, and how large does it grow?',
  minutes: 5,
  run,
}

async function run(context: ScenarioContext): Promise<ScenarioOutcome> {
  const rounds = context.quick ? 1 : 4
  const seconds = context.quick ? 5 : 8
  const template = join(context.folder, 'template.sqlite3')
  createItems(template)
  const measurements = await interleave(rounds, cells, async (cell, round) => {
    context.report(`round ${round} of ${rounds}: ${nameOf(cell)}`)
    return await measure(context.folder, template, cell, seconds)
  })
  const of = (way: CheckpointWay, longReader: boolean): readonly Measurement[] =>
    measurements.get(cells.find((cell) => cell.way === way && cell.longReader === longReader)!)!
  const p999 = (found: readonly Measurement[]): number[] =>
    found.map(({ latencies }) => Latencies.merge([latencies]).percentile(99.9))
  const ratios = p999(of('autocheckpoint 1000', false)).map(
    (value, index) => value / p999(of('handcar', false))[index]!,
  )
  return {
    rows: [...measurements].map(([cell, found]) => toRow(cell, found)),
    targets: [
      target('write p99.9 against autocheckpoint 1000', median(ratios), '≥', 4, '× lower', spread(ratios)),
      target(
        'largest WAL without a long reader',
        Math.max(...of('handcar', false).map(({ walMb }) => walMb)),
        '<',
        32,
        'MB',
      ),
    ],
    notes: [
      `${rate} transactions a second for ${seconds} s, each updating a random one of ${itemCount} indexed rows (110 MB, cache 16 MB); a time counts from when the write was due`,
      `${rounds} rounds, interleaved, each on a fresh copy; synchronous=normal and durability 'os': neither waits for the disk, so that only checkpoints differ`,
      'handcar: a process with a Coordinator beside the writer, as in an application; nothing pinned',
      'none: nobody checkpoints and the WAL only grows; its tail is the noise of this machine',
      'long reader: transactions of 2 s with pauses of 50 ms, during which no checkpointer can let the WAL start anew',
      'afterwards: all rows there, integrity_check ok, in every round',
    ],
    chart: {
      title: 'Checkpoints',
      subtitle: `${rate} paced writes a second; lower is better`,
      panels: [false, true].map((longReader) => ({
        title: longReader ? 'write latency, beside a long reader' : 'write latency',
        kind: 'bar' as const,
        unit: 'ms',
        logarithmic: true,
        categories: ['p50', 'p99', 'p99.9', 'max'],
        series: ways.map((way) => {
          const { p50, p99, p999, max } = Latencies.merge(
            of(way, longReader).map(({ latencies }) => latencies),
          ).summary()
          return { name: way, values: [p50, p99, p999, max] }
        }),
      })),
    },
  }
}

async function measure(folder: string, template: string, cell: Cell, seconds: number): Promise<Measurement> {
  const path = join(folder, 'checkpoint.sqlite3')
  await copyFile(template, path)
  try {
    return await write(path, cell, seconds)
  } finally {
    checkIntegrity(path)
    auditItems(path)
    await Promise.all(['', '-wal', '-shm', '.wake'].map((suffix) => rm(path + suffix, { force: true })))
  }
}

async function write(path: string, { way, longReader }: Cell, seconds: number): Promise<Measurement> {
  await using resources = new AsyncDisposableStack()
  if (way === 'handcar') {
    const coordinator = resources.use(startProcess<CoordinatorHandlers>(coordinatorFile))
    await coordinator.call('start', { path })
    resources.defer(() => coordinator.call('stop', undefined))
  }
  const writer = resources.use(startProcess<CheckpointHandlers>(writerFile))
  await writer.call('open', { path, way })
  resources.defer(() => writer.call('stop', undefined))
  await writer.call('measure', { rate, seconds: 0.5 })
  if (longReader) {
    const reader = resources.use(startProcess<ReaderHandlers>(readerFile))
    await reader.call('start', { path })
    resources.defer(async () => void (await reader.call('stop', undefined)))
  }
  const largest = watchSize(`${path}-wal`)
  const { latencies, perSecond, delay } = await writer.call('measure', { rate, seconds })
  return { latencies, perSecond, delayP99: delay.p99, walMb: (await largest.stop()) / 1024 ** 2 }
}

/** Remembers the largest size of a file. */
function watchSize(file: string): { stop(): Promise<number> } {
  let largest = 0
  const look = async (): Promise<void> => {
    const { size } = await stat(file).catch(() => ({ size: 0 }))
    largest = Math.max(largest, size)
  }
  const timer = setInterval(() => void look(), sampleMs)
  return {
    async stop() {
      clearInterval(timer)
      await look()
      return largest
    },
  }
}

function toRow(cell: Cell, found: readonly Measurement[]): Row {
  const { p50, p99, p999, max } = Latencies.merge(found.map(({ latencies }) => latencies)).summary()
  const each = found.map(({ latencies }) => Latencies.merge([latencies]).percentile(99.9))
  return {
    section: 'writes',
    checkpoints: cell.way,
    'long reader': cell.longReader ? 'yes' : 'no',
    'writes/s': round(median(found.map(({ perSecond }) => perSecond))),
    'p50 ms': p50,
    'p99 ms': p99,
    'p99.9 ms': p999,
    'p99.9 min–max': spread(each),
    'max ms': max,
    'loop delay p99 ms': round(median(found.map(({ delayP99 }) => delayP99))),
    'largest WAL MB': round(Math.max(...found.map(({ walMb }) => walMb))),
  }
}

function nameOf({ way, longReader }: Cell): string {
  return longReader ? `${way}, beside a long reader` : way
}
