import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithUs } from '../harness/child.ts'
import { pinned } from '../harness/pin.ts'
import type { Installation } from './installation.ts'
import { commandOf, treeOf } from './proc.ts'

/** How an app is run in production. */
export interface RunningAppOptions {
  readonly installation: Installation
  /** The app's folder, or a link to it. */
  readonly folder: string
  readonly data: string
  /** Web processes. */
  readonly processes: number
  /** The file that the log goes to, with a line for each request. Default: /dev/null. */
  readonly log?: string
  /** Whether standard error is shown; it is what an app prints when it dies. Default: `true`. */
  readonly showsErrors?: boolean
  /** The cores that it may use. Default: all. */
  readonly cores?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** A process of a running app: `supervisor`, `guard`, `web.1` … */
export interface NamedProcess {
  readonly name: string
  readonly pid: number
}

const readyWithinMs = 20_000
const patienceMs = 20_000

/** An app under `handcar start`. */
export class RunningApp implements AsyncDisposable {
  readonly #supervisor: ChildProcess
  readonly origin: string
  readonly data: string
  /** When it was started; of `performance.now()`. */
  readonly startedAt: number

  private constructor(supervisor: ChildProcess, origin: string, data: string, startedAt: number) {
    this.#supervisor = supervisor
    this.origin = origin
    this.data = data
    this.startedAt = startedAt
  }

  /** Runs `handcar start`; returns when the process has begun, long before it serves. */
  static async launch(options: RunningAppOptions): Promise<RunningApp> {
    const { installation, folder, data, processes, log = '/dev/null', showsErrors = true } = options
    const port = await freePort()
    const argv = pinned(options.cores, [...installation.command, 'start', '--folder', folder])
    const output = openSync(log, 'a')
    const startedAt = performance.now()
    const supervisor = spawn(argv[0]!, argv.slice(1), {
      cwd: folder,
      stdio: ['ignore', output, showsErrors ? 'inherit' : 'ignore'],
      env: { ...process.env, ...production, ...options.environment, ...placeOf(port, data, processes) },
    })
    closeSync(output)
    endWithUs(supervisor)
    return new RunningApp(supervisor, `http://127.0.0.1:${port}`, data, startedAt)
  }

  /** Runs `handcar start` and waits until every process serves. */
  static async start(options: RunningAppOptions): Promise<RunningApp> {
    const app = await RunningApp.launch(options)
    const deadline = performance.now() + readyWithinMs
    while (!(await answers(`${app.origin}/up`))) {
      if (app.hasEnded || performance.now() > deadline) {
        await app[Symbol.asyncDispose]()
        throw new Error(`The app in ${options.folder} did not start with ${options.processes} processes`)
      }
      await sleep(20)
    }
    return app
  }

  get pid(): number {
    return this.#supervisor.pid!
  }

  get hasEnded(): boolean {
    return this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null
  }

  /** Every process of the tree, the supervisor first. */
  processes(): NamedProcess[] {
    return treeOf(this.pid).map((pid) => ({ pid, name: pid === this.pid ? 'supervisor' : nameOf(pid) }))
  }

  /** Lets it finish, and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.hasEnded) return
    const exited = once(this.#supervisor, 'exit')
    this.#supervisor.kill('SIGTERM')
    const late = setTimeout(() => this.#supervisor.kill('SIGKILL'), patienceMs)
    await exited
    clearTimeout(late)
  }
}

const production = { NODE_ENV: 'production', LOG_FORMAT: 'json', LOG_LEVEL: 'info', HOST: '127.0.0.1' }

/** Benchmarks may lie on a tmpfs, where handcar would not keep data. */
function placeOf(port: number, data: string, processes: number): Record<string, string> {
  return {
    PORT: String(port),
    HANDCAR_DATA: data,
    HANDCAR_ALLOW_VOLATILE_DATA: '1',
    WEB_CONCURRENCY: String(processes),
  }
}

function nameOf(pid: number): string {
  const words = commandOf(pid)
  if (words.includes('handcar-guard')) return 'guard'
  return words[0]!.replace(/^handcar: /, '').trim()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined)
  await response?.arrayBuffer()
  return response?.ok === true
}
