import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { endWithUs } from '../harness/child.ts'
import { lastCore, pinned } from '../harness/pin.ts'
import { Latencies } from '../harness/latencies.ts'

/** What `hey` measured. */
export interface HeyReport {
  readonly perSecond: number
  readonly statuses: Readonly<Record<string, number>>
  /** Encoded `Latencies`. */
  readonly latencies: string
}

/** How `hey` is run. */
export interface HeyOptions {
  readonly url: string
  readonly clients: number
  readonly seconds: number
  readonly follow: boolean
  /** Keep it to the last core, because the server has the first. */
  readonly pin: boolean
}

/** Runs `hey` as the talks did: `hey -c 20 -z 10s -m POST`. */
export async function runHey({ url, clients, seconds, follow, pin }: HeyOptions): Promise<HeyReport> {
  const redirects = follow ? [] : ['-disable-redirects']
  const argv = ['hey', '-c', `${clients}`, '-z', `${seconds}s`, '-m', 'POST', '-o', 'csv', ...redirects, url]
  const [program, ...rest] = pinned(pin ? lastCore : undefined, argv)
  const hey = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithUs(hey)
  return parseHey(await text(hey.stdout))
}

/** Reads the CSV of `hey -o csv`: one line per answered request, with its time, status and offset in seconds. */
export function parseHey(csv: string): HeyReport {
  const latencies = new Latencies()
  const statuses: Record<string, number> = {}
  let ended = 0
  for (const line of csv.trim().split('\n').slice(1)) {
    const columns = line.split(',')
    const seconds = Number(columns[0])
    const status = columns[6]!
    latencies.record(seconds * 1000)
    statuses[status] = (statuses[status] ?? 0) + 1
    ended = Math.max(ended, Number(columns[7]) + seconds)
  }
  if (latencies.count === 0) throw new Error(`hey got no answer: ${csv.slice(0, 200)}`)
  return { perSecond: latencies.count / ended, statuses, latencies: latencies.encode() }
}
