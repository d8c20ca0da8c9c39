import { join } from 'node:path'
import { startProcess } from '../harness/child.ts'
import type { RemoteProcess } from '../harness/child.ts'
import { Latencies } from '../harness/latencies.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import { lastCore } from '../harness/pin.ts'
import type { LoadHandlers } from '../load/load-process.ts'
import type { StreamResult } from '../load/plan.ts'
import { reseed, runAudit, startApplication } from './application.ts'
import type { Application, Mode } from './application.ts'
import { Ledger } from './ledger.ts'
import { requestFor } from './requests.ts'
import type { Route } from './requests.ts'

const loadFile = new URL('../load/load-process.ts', import.meta.url)
const warmUpClients = 8

/** A run of the application on a fresh copy of the data. */
export interface Run {
  readonly seeded: string
  readonly folder: string
  readonly mode: Mode
  readonly processes: number
  readonly route: Route
  /** How long an answer may take, in milliseconds. Default: 20,000. */
  readonly timeout?: number
}

/** What measures inside a run. */
export interface Session {
  readonly application: Application
  /** A closed loop of so many clients. */
  readonly closed: (clients: number, seconds: number) => Promise<StreamResult>
  /** An open loop of so many requests a second. */
  readonly open: (rate: number, seconds: number) => Promise<StreamResult>
}

/**
 * Starts Lorem News on a fresh copy of the data, warms it up, lets `body` measure, stops it, and audits the file: every
 * acknowledged create exactly once, counters exact, integrity ok.
 */
export async function withApplication<Value>(
  run: Run,
  warmUpSeconds: number,
  body: (session: Session) => Promise<Value>,
): Promise<Value> {
  const data = await reseed(run.seeded, run.folder)
  const ledger = new Ledger(join(data, 'app.sqlite3'))
  const results: StreamResult[] = []
  const value = await whileServing(run, data, async (application, client) => {
    const load = async (shape: LoopShape, seconds: number): Promise<StreamResult> => {
      const streams = [{ name: run.route, request: requestFor(run.route), ...shape }]
      const { origin } = application
      const timeout = run.timeout === undefined ? {} : { timeout: run.timeout }
      const [result] = await client.call('load', { origin, seconds, streams, ...timeout })
      results.push(result!)
      return result!
    }
    await load({ clients: warmUpClients }, warmUpSeconds)
    return await body({
      application,
      closed: (clients, seconds) => load({ clients }, seconds),
      open: (rate, seconds) => load({ rate }, seconds),
    })
  })
  const acknowledged = results.flatMap((result) => result.acknowledged)
  ledger.audit({ acknowledged, unanswered: total(results, 'failed') })
  if (run.route === 'post_create') ledger.auditNoneDestroyed()
  await runAudit(data)
  return value
}

type LoopShape = { readonly clients: number } | { readonly rate: number }

async function whileServing<Value>(
  { mode, processes }: Run,
  data: string,
  body: (application: Application, client: RemoteProcess<LoadHandlers>) => Promise<Value>,
): Promise<Value> {
  await using application = await startApplication({ mode, processes, data })
  await using client = startProcess<LoadHandlers>(loadFile, processes === 1 ? { cores: lastCore } : {})
  return await body(application, client)
}

/** Merges the times of several streams. */
export function mergedLatencies(results: readonly StreamResult[]): LatencySummary {
  return Latencies.merge(results.map(({ latencies }) => latencies)).summary()
}

/** Adds up one count of several streams. */
export function total(
  results: readonly StreamResult[],
  count: 'right' | 'gone' | 'failed' | 'count',
): number {
  return results.reduce((sum, result) => sum + result[count], 0)
}

/** Right answers a second. */
export function throughput(result: StreamResult): number {
  return (result.right + result.gone) / result.seconds
}
