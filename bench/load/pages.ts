import { startProcess } from '../harness/child.ts'
import { Latencies } from '../harness/latencies.ts'
import { exists } from '../harness/pin.ts'
import { cpuSeconds } from '../production/proc.ts'
import type { LoadHandlers } from './load-process.ts'
import { runWrk } from './wrk.ts'
import type { PageLoad, PageReport } from './wrk.ts'

const loadFile = new URL('./load-process.ts', import.meta.url)

/** Why pages are asked for by our own client, which is slower than what it measures; undefined where `wrk` is installed. */
export function wrkIsMissing(): string | undefined {
  return exists('wrk') ? undefined : 'wrk is not installed (Debian: bench/install-tools.sh)'
}

/** Asks for pages by `wrk`, or by our own client where that is missing. */
export async function loadPages(load: PageLoad): Promise<PageReport> {
  return await (wrkIsMissing() ? runOwnClient(load) : runWrk(load))
}

/** Like {@link runWrk}. The connections are shared out among the paths, each of which has at least one. */
export async function runOwnClient(load: PageLoad): Promise<PageReport> {
  const { origin, paths, marker, connections, seconds, newConnections = false } = load
  const streams = paths.map((path, index) => ({
    name: path,
    request: { method: 'GET' as const, path, statuses: [200], marker },
    clients: Math.max(1, Math.floor((connections + index) / paths.length)),
    newConnections,
  }))
  await using client = startProcess<LoadHandlers>(loadFile)
  const before = cpuSeconds(client.pid)
  const results = await client.call('load', { origin, seconds, streams })
  const sum = (value: (result: (typeof results)[number]) => number): number =>
    results.map(value).reduce((all, one) => all + one, 0)
  const { p50, p99, max } = Latencies.merge(results.map(({ latencies }) => latencies)).summary()
  return {
    seconds: Math.max(...results.map((result) => result.seconds)),
    right: sum((result) => result.right),
    failed: sum((result) => result.failed),
    p50,
    p99,
    max,
    cpuSeconds: cpuSeconds(client.pid) - before,
  }
}
