import { setTimeout as sleep } from 'node:timers/promises'
import type { Dispatcher } from 'undici'
import { exchange } from './exchange.ts'
import { patience } from './plan.ts'
import type { LoadPlan, StreamPlan, StreamResult } from './plan.ts'
import { Recorder } from './recorder.ts'

/**
 * A closed loop: each of the clients sends its next request when it has its answer. What is under way at the end is
 * waited for, as `hey` does, so that stuck requests lower the rate and stay in the tail.
 */
export async function closedLoop(
  pool: Dispatcher,
  plan: LoadPlan,
  stream: StreamPlan,
  stopped?: AbortSignal,
): Promise<StreamResult> {
  const recorder = new Recorder(stream)
  const deadline = performance.now() + plan.seconds * 1000
  const client = async (): Promise<void> => {
    while (performance.now() < deadline) {
      if (stopped?.aborted) return
      const since = performance.now()
      recorder.record(await exchange(pool, stream.request, patience(plan)), since)
    }
  }
  await Promise.all(Array.from({ length: stream.clients! }, client))
  return recorder.result()
}

/**
 * An open loop: requests are due at a fixed rate, whatever the server does, and their time counts from when they
 * were due. A server that stalls meets the same load as one that does not (no coordinated omission).
 */
export async function openLoop(
  pool: Dispatcher,
  plan: LoadPlan,
  stream: StreamPlan,
  stopped?: AbortSignal,
): Promise<StreamResult> {
  const recorder = new Recorder(stream)
  const underWay = new Set<Promise<void>>()
  const started = performance.now()
  const total = Math.floor(stream.rate! * plan.seconds)
  for (let sent = 0; sent < total;) {
    if (stopped?.aborted) break
    const due = started + (sent / stream.rate!) * 1000
    if (due > performance.now()) {
      await sleep(1)
      continue
    }
    const request: Promise<void> = exchange(pool, stream.request, patience(plan)).then((result) => {
      recorder.record(result, due)
      underWay.delete(request)
    })
    underWay.add(request)
    sent++
  }
  await Promise.all(underWay)
  return recorder.result()
}
