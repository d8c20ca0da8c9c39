import { copyFile } from 'node:fs/promises'
import { auditWrites } from '../harness/audit.ts'
import { startProcess } from '../harness/child.ts'
import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import type { LoadHandlers } from '../load/load-process.ts'
import type { StreamPlan, StreamResult } from '../load/plan.ts'
import type { CoordinatorHandlers } from '../processes/coordinator-process.ts'
import type { HogHandlers, HogKind } from '../processes/hog-process.ts'
import type { StoreKind } from '../processes/stores.ts'
import type { WebHandlers } from '../processes/web-process.ts'

/** A web process of one kind beside a hog of another. */
export interface HogCell {
  readonly hog: HogKind
  readonly mode: StoreKind
}

/** How long it is measured, and how long an answer may take, in milliseconds. */
export interface HogLength {
  readonly seconds: number
  readonly patience: number
}

/** What the web process suffered, and what the hog did. */
export interface HogMeasurement {
  readonly reads: StreamResult
  readonly writes: StreamResult
  readonly delay: LatencySummary
  readonly hogPerSecond: number
  readonly held: LatencySummary
}

const fileOf = (name: string): URL => new URL(name, import.meta.url)
const webFile = fileOf('../processes/web-process.ts')
const hogFile = fileOf('../processes/hog-process.ts')
const coordinatorFile = fileOf('../processes/coordinator-process.ts')
const loadFile = fileOf('../load/load-process.ts')

const streams: readonly StreamPlan[] = [
  { name: 'reads', rate: 400, request: { method: 'GET', path: '/read', statuses: [200], marker: 'Post ' } },
  {
    name: 'writes',
    rate: 40,
    request: { method: 'POST', path: '/write', statuses: [200], acknowledgedBy: 'body' },
  },
]

/** Measures on a fresh copy of the file, kills all processes, and audits what was acknowledged. */
export async function measureBesideHog(
  path: string,
  template: string,
  cell: HogCell,
  length: HogLength,
): Promise<HogMeasurement> {
  await copyFile(template, path)
  const measurement = await disturb(path, cell, length)
  auditWrites(path, 'comments', measurement.writes.acknowledged)
  return measurement
}

async function disturb(
  path: string,
  { hog: kind, mode }: HogCell,
  { seconds, patience }: HogLength,
): Promise<HogMeasurement> {
  await using resources = new AsyncDisposableStack()
  if (mode === 'handcar' || kind === 'handcar') {
    const coordinator = resources.use(startProcess<CoordinatorHandlers>(coordinatorFile))
    await coordinator.call('start', { path })
  }
  const web = resources.use(startProcess<WebHandlers>(webFile))
  const client = resources.use(startProcess<LoadHandlers>(loadFile))
  const origin = await web.call('start', { path, kind: mode })
  await client.call('load', { origin, seconds: 0.5, streams })
  const hog = resources.use(startProcess<HogHandlers>(hogFile))
  await hog.call('start', { path, kind })
  await web.call('watch', undefined)
  const [reads, writes] = await client.call('load', { origin, seconds, streams, timeout: patience })
  const delay = await web.call('seen', undefined)
  const { transactions, held } = await hog.call('stop', undefined)
  return {
    reads: reads!,
    writes: writes!,
    delay,
    hogPerSecond: transactions / writes!.seconds,
    held: Latencies.merge([held]).summary(),
  }
}
