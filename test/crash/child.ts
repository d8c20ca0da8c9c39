import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const compileCache = join(import.meta.dirname, '../../node_modules/.cache/crash-tests')

/** A Node process that runs one of the files of this folder. */
export class Child {
  readonly name: string
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #started: Promise<void>
  #output = ''
  #errors = ''

  /**
   * @param name File name without `.ts`.
   * @param argument What the process finds in `process.argv[2]`, as JSON.
   */
  constructor(name: string, argument: unknown, environment: NodeJS.ProcessEnv = {}) {
    this.name = name
    const file = join(import.meta.dirname, `${name}.ts`)
    this.#process = spawn(process.execPath, ['--conditions=handcar-source', file, JSON.stringify(argument)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...environment },
    })
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.#errors += text))
    this.#ended = once(this.#process, 'close')
    this.#started = this.#firstOutput()
  }

  /** Resolves when the process has written its first line, or has ended. */
  get started(): Promise<void> {
    return this.#started
  }

  /** Resolves when the process has ended and all that it wrote was read. */
  get ended(): Promise<unknown> {
    return this.#ended
  }

  /** Whole lines of standard output so far. A line that a kill cut short does not count. */
  get lines(): string[] {
    return this.#output.split('\n').slice(0, -1)
  }

  /** Standard error so far. */
  get errors(): string {
    return this.#errors
  }

  /** The exit code; `null` when it was killed or still runs. */
  get exitCode(): number | null {
    return this.#process.exitCode
  }

  /** Whether it exited or was killed. */
  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Ends the process at once and resolves when all that it wrote was read. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.#ended
  }

  /** Says that no more input comes, at which the processes of these tests end. */
  async finish(): Promise<void> {
    if (!this.hasEnded) this.#process.stdin!.end()
    await this.#ended
  }

  async #firstOutput(): Promise<void> {
    await Promise.race([once(this.#process.stdout!, 'data'), once(this.#process, 'close')])
  }
}
