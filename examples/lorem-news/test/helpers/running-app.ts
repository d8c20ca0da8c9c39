import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { control } from 'handcar/supervisor'

const app = fileURLToPath(new URL('../..', import.meta.url))
const main = fileURLToPath(new URL('../../../../src/cli/main.ts', import.meta.url))

/** The app as `npm start` runs it: real processes, a real port, a folder of its own. */
export class RunningApp implements AsyncDisposable {
  /** The folder of its data. */
  readonly data: string
  readonly process: ChildProcess
  output = ''

  constructor(environment: Record<string, string> = {}) {
    const data = mkdtempSync(join(tmpdir(), 'lorem-news-'))
    const { NODE_ENV: _, ...inherited } = process.env
    this.process = spawn(process.execPath, ['--conditions=handcar-source', main, 'start', '--folder', app], {
      env: {
        ...inherited,
        PORT: '0',
        HANDCAR_DATA: data,
        HANDCAR_ALLOW_VOLATILE_DATA: '1',
        LOREM_NEWS_DURABILITY: 'os',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
    this.data = data
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.data, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Waits until it printed something that fits, and gives what fitted. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.output)
      if (found) return found[1] ?? found[0]
      if (this.process.exitCode !== null)
        throw new Error(`It ended with ${this.process.exitCode}:\n${this.output}`)
      await Promise.race([
        once(this.process.stdout!, 'data'),
        once(this.process.stderr!, 'data'),
        once(this.process, 'exit'),
      ])
    }
  }

  /** Waits until it is open, and gives its address. */
  async url(): Promise<string> {
    return this.printed(/Listening at (http:\/\/127\.0\.0\.1:\d+)/)
  }

  /** Lets new processes take over, as `handcar reload` does after a release. */
  async reload(): Promise<void> {
    await control(this.data, 'reload')
  }

  /** Sends a signal and waits for the end; gives the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const ended = once(this.process, 'exit')
      this.process.kill(signal)
      await ended
    }
    return this.process.exitCode
  }
}
