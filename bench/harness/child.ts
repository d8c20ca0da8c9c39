import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pinned } from './pin.ts'
import type { Answer, Handlers, Question } from './remote.ts'

/** How a process is started. */
export interface ProcessOptions {
  /** The cores it may use, as for taskset: `0`, `0,1`. Default: all. */
  readonly cores?: string
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>
}

type Argument<Handler> = Handler extends (argument: infer A) => unknown ? A : never
type Value<Handler> = Handler extends (argument: never) => infer R ? Awaited<R> : never

/** A process of `bench/processes/` or `bench/load/` that answers questions; see `answer()`. */
export class RemoteProcess<Of extends Handlers> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #questions = 0

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (reply: Answer) => this.#settle(reply))
    child.once('exit', (code, signal) => this.#fail(`ended early (${signal ?? `exit code ${code}`})`))
    child.once('error', (error) => this.#fail(error.message))
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Asks for one thing and waits for the answer. A handler's error is thrown here. */
  async call<Name extends keyof Of & string>(
    name: Name,
    argument: Argument<Of[Name]>,
  ): Promise<Value<Of[Name]>> {
    const waiting = Promise.withResolvers<unknown>()
    const id = ++this.#questions
    this.#waiting.set(id, waiting)
    this.#child.send({ id, name, argument } satisfies Question, (error) => {
      if (error) waiting.reject(error)
    })
    return (await waiting.promise) as Value<Of[Name]>
  }

  /** Ends the process by its id and waits until it is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  #settle(reply: Answer): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.failure === undefined) waiting?.resolve(reply.value)
    else waiting?.reject(new Error(reply.failure))
  }

  #fail(reason: string): void {
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new Error(`${this.#child.spawnargs.at(-1)} ${reason}`))
    }
    this.#waiting.clear()
  }
}

const running = new Set<ChildProcess>()
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')))

/** Ends this child by its id when our own process ends, however it ends short of SIGKILL. */
export function endWithUs(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
}

/** Starts a TypeScript file of this workspace as a process of its own, with its output on ours. */
export function startProcess<Of extends Handlers>(
  file: URL,
  options: ProcessOptions = {},
): RemoteProcess<Of> {
  const argv = pinned(options.cores, [process.execPath, ...process.execArgv, fileURLToPath(file)])
  const child = spawn(argv[0]!, argv.slice(1), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
    env: { ...process.env, ...options.environment },
  })
  endWithUs(child)
  return new RemoteProcess<Of>(child)
}
