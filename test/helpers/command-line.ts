import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { waitUntil } from './wait-until.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const nodeFlags = ['--conditions=handcar-source']

/** How a command is run. */
export interface CommandOptions {
  /** Where it is run. */
  folder: string
  /** Variables on top of those of the test; `undefined` removes one. */
  environment?: Record<string, string | undefined>
  /** What it reads from standard input. Default: nothing */
  input?: string
  /** More flags of Node's. */
  flags?: string[]
}

/** What came of a command. */
export interface CommandResult {
  code: number | null
  output: string
  errors: string
}

/** Runs `handcar …` to its end. */
export async function handcar(words: string[], options: CommandOptions): Promise<CommandResult> {
  const child = start(words, options)
  child.stdin!.end(options.input ?? '')
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'close') as Promise<[number | null]>,
  ])
  return { code, output, errors }
}

/** A command that goes on until it is ended; it is killed at the end of the block that declared it. */
export class RunningCommand implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  /** Everything that it has written, to either output. */
  output = ''

  constructor(words: string[], options: CommandOptions) {
    this.#process = start(words, options)
    this.#process.stdin!.end()
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (this.output += chunk))
    }
    this.#ended = once(this.#process, 'close')
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Waits until it has written something; returns the match. */
  async wrote(pattern: RegExp): Promise<RegExpExecArray> {
    const name = (): string => `output ${pattern} in:\n${this.output}`
    await waitUntil(String(pattern), () => pattern.test(this.output) || this.hasEnded, 30_000)
    return pattern.exec(this.output) ?? Promise.reject(new Error(name()))
  }

  /** The address at which it listens. */
  async address(): Promise<string> {
    return (await this.wrote(/Listening at (http:\/\/[\d.]+:\d+)/))[1]!
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** Exit code or signal. */
  async ended(): Promise<number | string | null> {
    await this.#ended
    return this.#process.signalCode ?? this.#process.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGKILL')
    await this.#ended
  }
}

function start(words: string[], { folder, environment, flags = [] }: CommandOptions): ChildProcess {
  const { NODE_ENV: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env
  const variables = { ...inherited, NODE_ENV: undefined, PWD: folder, HANDCAR_ALLOW_VOLATILE_DATA: '1' }
  return spawn(process.execPath, [...nodeFlags, ...flags, main, ...words], {
    cwd: folder,
    env: { ...variables, ...environment },
  })
}
