import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { endWithUs } from '../harness/child.ts'

const script = fileURLToPath(new URL('./wrk.lua', import.meta.url))

/** What is asked for, by so many connections that each wait for their answer. */
export interface PageLoad {
  readonly origin: string
  /** Asked for in turn. */
  readonly paths: readonly string[]
  /** What each right answer ends with. */
  readonly marker: string
  readonly connections: number
  readonly seconds: number
  /** Whether each request comes on a connection of its own. Default: `false`, connections are kept. */
  readonly newConnections?: boolean
}

/** What came of it. Times in milliseconds. */
export interface PageReport {
  readonly seconds: number
  readonly right: number
  /** Answers with another status or body, and connections that broke. */
  readonly failed: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** What the client itself used. */
  readonly cpuSeconds: number
}

/** Runs `wrk` with one thread; every answer is checked. */
export async function runWrk(load: PageLoad): Promise<PageReport> {
  const { origin, paths, marker, connections, seconds, newConnections = false } = load
  const options = ['-t', '1', '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '20s']
  const wanted = [marker, newConnections ? 'new' : 'keep', ...paths]
  const argv = ['wrk', ...options, '-s', script, origin, '--', ...wanted]
  const wrk = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  endWithUs(wrk)
  return parseWrk(await text(wrk.stdout))
}

/** Finds the report of `wrk.lua` in what `wrk` printed. */
export function parseWrk(output: string): PageReport {
  const report = /^REPORT (.*)$/m.exec(output)?.[1]
  if (report === undefined) throw new Error(`wrk made no report: ${output.slice(0, 500)}`)
  const { wrong, broken, ...rest } = JSON.parse(report) as Omit<PageReport, 'failed'> & {
    wrong: number
    broken: number
  }
  if (rest.right + wrong + broken === 0) throw new Error(`wrk got no answer: ${output.slice(0, 500)}`)
  return { ...rest, failed: wrong + broken }
}
