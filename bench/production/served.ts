import { startProcess } from '../harness/child.ts'
import { median, round, spread } from '../harness/statistics.ts'
import { loadPages } from '../load/pages.ts'
import type { PageLoad } from '../load/wrk.ts'
import type { PlainServer, PlainServerHandlers } from '../processes/plain-server-process.ts'
import { cpuSeconds } from './proc.ts'
import { RunningApp } from './running-app.ts'
import type { RunningAppOptions } from './running-app.ts'

const plainServerFile = new URL('../processes/plain-server-process.ts', import.meta.url)

/** Something that serves, of which we know the processes. */
export interface ServingProcesses extends AsyncDisposable {
  readonly origin: string
  pids(): number[]
}

/** Pages served in one run. Times in milliseconds. */
export interface ServedPages {
  readonly perSecond: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Microseconds of CPU time of all server processes per request. */
  readonly cpuPerRequest: number
  /** Cores in use, by the server's processes together and by the client. */
  readonly serverCores: number
  readonly clientCores: number
}

/** Serves `hello` without handcar. */
export async function startPlainServer(kind: PlainServer): Promise<ServingProcesses> {
  const server = startProcess<PlainServerHandlers>(plainServerFile, {
    environment: { NODE_ENV: 'production' },
  })
  const origin = await server.call('start', { kind })
  return {
    origin,
    pids: () => [server.pid],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Serves an app by `handcar start`. */
export async function startHandcar(options: RunningAppOptions): Promise<ServingProcesses> {
  const app = await RunningApp.start(options)
  return {
    origin: app.origin,
    pids: () => app.processes().map(({ pid }) => pid),
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

/** Warms up for half the time, then measures. */
export async function measurePages(
  server: ServingProcesses,
  load: Omit<PageLoad, 'origin'>,
): Promise<ServedPages> {
  const { origin } = server
  await loadPages({ ...load, origin, seconds: Math.ceil(load.seconds / 2) })
  const pids = server.pids()
  const usedBy = (): number => pids.map(cpuSeconds).reduce((sum, seconds) => sum + seconds, 0)
  const before = usedBy()
  const { seconds, right, failed, p50, p99, max, cpuSeconds: client } = await loadPages({ ...load, origin })
  const used = usedBy() - before
  return {
    perSecond: right / seconds,
    failed,
    p50,
    p99,
    max,
    cpuPerRequest: (used / (right + failed)) * 1e6,
    serverCores: used / seconds,
    clientCores: client / seconds,
  }
}

/** The runs of one server as columns of a result. */
export function servedColumns(runs: readonly ServedPages[]): Record<string, number | string> {
  const middle = (value: (run: ServedPages) => number): number => round(median(runs.map(value)))
  const rates = runs.map(({ perSecond }) => perSecond)
  return {
    'requests/s': round(median(rates)),
    'min–max': spread(rates),
    failed: runs.reduce((sum, run) => sum + run.failed, 0),
    'p50 ms': middle(({ p50 }) => p50),
    'p99 ms': middle(({ p99 }) => p99),
    'max ms': Math.max(...runs.map(({ max }) => round(max))),
    'CPU µs/request': middle(({ cpuPerRequest }) => cpuPerRequest),
    'server cores': middle(({ serverCores }) => serverCores),
    'client cores': middle(({ clientCores }) => clientCores),
  }
}
