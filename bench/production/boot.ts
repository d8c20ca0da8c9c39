import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf } from './proc.ts'
import { RunningApp } from './running-app.ts'
import type { RunningAppOptions } from './running-app.ts'

/** When what had happened, in milliseconds since the command was started. */
export interface Boot {
  /** A client could connect; it waits from then on. */
  readonly listening: number
  /** Configuration read, database migrated, the app's preparation run: the first web process was started. */
  readonly prepared: number
  /** The supervisor's log says so: every process is ready. */
  readonly ready: number
  /** The first page had arrived, whole. */
  readonly answered: number
}

const lookEachMs = 1
const giveUpAfterMs = 20_000

/**
 * Starts an app, and asks for a page as soon as anybody listens. The log must be a file of its own. Throws when the page is wrong.
 */
export async function measureBoot(options: RunningAppOptions & { log: string }, path: string): Promise<Boot> {
  await using app = await RunningApp.launch(options)
  const elapsed = (): number => performance.now() - app.startedAt
  const [{ listening, answered }, prepared] = await Promise.all([
    firstPage(app, app.origin + path, elapsed),
    firstWebProcess(app, elapsed),
  ])
  const ready = (await timeInLog(options.log, 'Listening at')) - (performance.timeOrigin + app.startedAt)
  return { listening, prepared, ready, answered }
}

async function firstPage(
  app: RunningApp,
  url: string,
  elapsed: () => number,
): Promise<{ listening: number; answered: number }> {
  for (;;) {
    let listening = 0
    try {
      const page = await ask(url, () => (listening = elapsed()))
      if (page.status !== 200 || !page.body.endsWith('</html>'))
        throw new Error(`${url} was answered ${page.status}: ${page.body.slice(-200)}`)
      return { listening, answered: elapsed() }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error
      endIfLate(app, elapsed)
      await sleep(lookEachMs)
    }
  }
}

/** The guard is the supervisor's first child, the web process the second. */
async function firstWebProcess(app: RunningApp, elapsed: () => number): Promise<number> {
  while (childrenOf(app.pid).length < 2) {
    endIfLate(app, elapsed)
    await sleep(lookEachMs)
  }
  return elapsed()
}

function endIfLate(app: RunningApp, elapsed: () => number): void {
  if (app.hasEnded || elapsed() > giveUpAfterMs) throw new Error('The app did not start')
}

function ask(url: string, connected: () => void): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode!, body }))
      response.on('error', reject)
    })
    sent.on('socket', (socket) => socket.once('connect', connected))
    sent.on('error', reject)
    sent.end()
  })
}

/** When a line was logged; milliseconds of `Date.now()`. It may be written a moment later than the page was served. */
async function timeInLog(file: string, message: string): Promise<number> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
    const line = lines
      .map((text) => JSON.parse(text) as { msg: string; time: string })
      .find(({ msg }) => msg.startsWith(message))
    if (line) return Date.parse(line.time)
    await sleep(10)
  }
  throw new Error(`"${message}" is not in ${file}`)
}
