import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Logger } from '../core/index.ts'
import { Backoff } from './backoff.ts'
import type { Guard } from './guard.ts'
import { describeExit } from './managed-process.ts'
import type { ProgramSpec } from './release.ts'
import type { ProgramStatus } from './status.ts'

/** A program beside the app that is kept running: when it ends it is started again. */
export class Program {
  readonly #spec: ProgramSpec
  readonly #guard: Guard
  readonly #logger: Logger
  readonly #backoff: Backoff
  #child: ChildProcess | undefined
  #startedAt = performance.now()
  #restarts = 0
  #isKept = true
  #restart: NodeJS.Timeout | undefined

  /** @param restartDelay The longest pause before it is started again, in milliseconds. */
  constructor(spec: ProgramSpec, guard: Guard, logger: Logger, restartDelay: number) {
    this.#spec = spec
    this.#guard = guard
    this.#logger = logger
    this.#backoff = new Backoff(restartDelay)
  }

  /** Starts it. */
  start(): void {
    const { command, args, cwd, environment } = this.#spec
    this.#startedAt = performance.now()
    const child = spawn(command, args ?? [], {
      cwd,
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    this.#child = child
    if (child.pid !== undefined) this.#guard.watch(child.pid)
    child.once('exit', (code, signal) => {
      this.#guard.forget(child.pid!)
      this.#ended(describeExit({ code, signal }))
    })
    child.once('error', (error) => child.pid === undefined && this.#ended(error.message))
  }

  /** Asks it to end, and kills it when it has not ended after `timeout` milliseconds. */
  async stop(timeout: number): Promise<void> {
    this.#isKept = false
    clearTimeout(this.#restart)
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    const impatience = setTimeout(() => child.kill('SIGKILL'), timeout)
    child.kill('SIGTERM')
    await ended
    clearTimeout(impatience)
  }

  /** Ends it at once. */
  kill(): void {
    this.#isKept = false
    clearTimeout(this.#restart)
    this.#child?.kill('SIGKILL')
  }

  /** What it is doing. */
  status(): ProgramStatus {
    const isRunning = this.#child?.exitCode === null && this.#child.signalCode === null
    return {
      name: this.#spec.name,
      pid: isRunning ? this.#child?.pid : undefined,
      uptime: Math.round(performance.now() - this.#startedAt),
      restarts: this.#restarts,
    }
  }

  #ended(how: string): void {
    if (!this.#isKept) return
    const lifetime = Math.round(performance.now() - this.#startedAt)
    const delay = this.#backoff.ended(lifetime)
    const { name } = this.#spec
    if (this.#backoff.hasJustBecomeCrashLoop || !this.#backoff.isCrashLoop) {
      const loop = this.#backoff.isCrashLoop ? ', again soon after its start: a crash loop' : ''
      this.#logger.error(
        { program: name, lifetime, delay },
        `Program ${name} ended with ${how}${loop}; it is started again`,
      )
    }
    this.#restart = setTimeout(() => {
      this.#restarts++
      this.start()
    }, delay)
  }
}
