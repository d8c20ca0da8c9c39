import { rename, symlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { control } from 'handcar/supervisor'
import type { ReloadReport } from 'handcar/supervisor'
import { startProcess } from '../harness/child.ts'
import type { LoadHandlers } from '../load/load-process.ts'
import type { StreamPlan, StreamResult } from '../load/plan.ts'
import type { ReloadTimes } from './phases.ts'
import type { RunningApp } from './running-app.ts'

const loadFile = new URL('../load/load-process.ts', import.meta.url)
const longestSeconds = 3600

/** What is done to an app under load. */
export interface ReloadPlan {
  readonly streams: readonly StreamPlan[]
  /** The link that the app was started from. */
  readonly link: string
  /** Release folders; the link leads to one after the other. */
  readonly releases: readonly string[]
  readonly reloads: number
  /** How long it is left in peace before, between and after reloads, in seconds. */
  readonly rest: number
}

/** What came of it. */
export interface ReloadsMeasured {
  readonly times: readonly ReloadTimes[]
  readonly results: readonly StreamResult[]
  /** What was created before, while the app was warmed up. */
  readonly createdBefore: readonly string[]
  /** Old processes that did not end by themselves. */
  readonly killed: number
}

/** Lets a link lead to another folder, in one step. */
export async function pointTo(link: string, folder: string): Promise<void> {
  await symlink(folder, `${link}.new`)
  await rename(`${link}.new`, link)
}

/** Puts the app under load and reloads it again and again. */
export async function reloadUnderLoad(app: RunningApp, plan: ReloadPlan): Promise<ReloadsMeasured> {
  await using client = startProcess<LoadHandlers>(loadFile)
  const { origin } = app
  const { streams, rest, releases, link } = plan
  const warmUp = await client.call('load', { origin, streams, seconds: rest })
  const told = streams.map((stream) => ({ ...stream, tellsRequests: true }))
  const load = client.call('load', { origin, seconds: longestSeconds, streams: told })
  const times: ReloadTimes[] = []
  let killed = 0
  for (let reload = 1; reload <= plan.reloads; reload++) {
    await sleep(rest * 1000)
    await pointTo(link, releases[reload % releases.length]!)
    const begun = now()
    const { served, drained } = await control<ReloadReport>(app.data, 'reload')
    times.push({ begun, served: begun + served, ended: now() })
    killed += drained.filter(({ wasKilled }) => wasKilled).length
  }
  await sleep(rest * 1000)
  await client.call('stop', undefined)
  const createdBefore = warmUp.flatMap(({ acknowledged }) => acknowledged)
  return { times, results: await load, createdBefore, killed }
}

function now(): number {
  return performance.timeOrigin + performance.now()
}
