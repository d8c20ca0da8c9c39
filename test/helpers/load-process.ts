import { Agent, request, type RequestOptions } from 'node:http'

/**
 * A client that never rests and never tries again. Told `{ url, loops }`: half of the loops keep their connection, half open one
 * for each request; each reads and writes in turn. Says `running` after the first answers; asked anything, it stops and tells
 * what happened.
 */

/** What the client tells at its end. */
export interface LoadReport {
  requests: number
  /** The keys whose write was acknowledged. */
  acknowledged: string[]
  /** What failed, in words. */
  failures: string[]
  /** Milliseconds. */
  p99: number
  longest: number
  /** Which releases answered. */
  releases: string[]
}

const { url, loops = 12 } = JSON.parse(process.argv[2]!) as { url: string; loops?: number }
const keepAlive = new Agent({ keepAlive: true, maxSockets: loops })
const durations: number[] = []
const report: LoadReport = { requests: 0, acknowledged: [], failures: [], p99: 0, longest: 0, releases: [] }
const releases = new Set<string>()
const stopping = new AbortController()
let last = 0

interface Answer {
  status: number
  body: string
}

function send(path: string, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, url), options, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode!, body }))
      response.on('error', reject)
      response.on('aborted', () => reject(new Error('the answer was cut')))
    })
    sent.on('error', reject)
    sent.end()
  })
}

async function loop(number: number): Promise<void> {
  const agent = number % 2 === 0 ? keepAlive : false
  for (let turn = 0; !stopping.signal.aborted; turn++) {
    const writes = turn % 2 === 0
    const key = `${process.pid}-${number}-${++last}`
    const startedAt = performance.now()
    report.requests++
    try {
      const { status, body } = await send(writes ? `/entries/${key}` : '/', {
        method: writes ? 'POST' : 'GET',
        agent,
      })
      if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 100)}`)
      if (writes) report.acknowledged.push(key)
      else releases.add(body)
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException
      const connection = agent ? 'kept' : 'new'
      report.failures.push(`${writes ? 'write' : 'read'} on a ${connection} connection: ${code} ${message}`)
    }
    durations.push(performance.now() - startedAt)
    if (report.requests === loops * 2) process.send!('running')
  }
}

process.on('message', () => stopping.abort())
await Promise.all(Array.from({ length: loops }, (_, number) => loop(number)))
durations.sort((one, other) => one - other)
report.p99 = durations[Math.floor(durations.length * 0.99)]!
report.longest = durations.at(-1)!
report.releases = [...releases]
process.send!(report)
keepAlive.destroy()
// It stays until it is ended, so that the report has arrived by then.
