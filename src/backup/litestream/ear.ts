import { request, type RequestOptions } from 'node:http'
import type { OutputLine } from './output.ts'

/** How far Litestream is with a database; numbers that grow. */
export interface Position {
  /** Path of the database. */
  path: string
  /** How far it has read the WAL. */
  local: number
  /** How far each replica is, by its name; missing while it is not known. */
  remote: Readonly<Record<string, number>>
  /** Everything that was written before is read: milliseconds of `performance.now()`; missing while it is not known. */
  readUntil?: number
}

/** How Litestream tells how it is, which differs by version. */
export interface Ear {
  /** Takes a line of its output. */
  line(line: OutputLine): void
  /**
   * Asks it. Rejects when it does not answer.
   *
   * @returns the databases that it knows by now
   */
  ask(): Promise<Position[]>
  /** Lets it read a WAL and checkpoint now, where it can be told so. Never rejects. */
  hurry?(path: string): Promise<void>
}

/** How long an answer may take, in milliseconds. */
const patience = 2_000

/** Fetches a text by HTTP, from a port of this machine or a unix socket; with a `body`, by POST. */
export function fetchText(
  options: Pick<RequestOptions, 'port' | 'socketPath' | 'path'>,
  body?: string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const signal = AbortSignal.timeout(patience)
  const host = '127.0.0.1'
  const method = body === undefined ? 'GET' : 'POST'
  const asked = request({ ...options, method, host, agent: false, signal }, (response) => {
    let text = ''
    response.setEncoding('utf8').on('data', (part: string) => (text += part))
    response.on('error', reject)
    response.on('end', () => {
      if (response.statusCode === 200) resolve(text)
      else reject(new Error(`It answered ${response.statusCode}`))
    })
  })
  asked.on('error', reject)
  asked.end(body)
  return promise
}
