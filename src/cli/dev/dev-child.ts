import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { basename, join } from 'node:path'
import type { DevFailure, DevOrder, DevReport } from './protocol.ts'

/** How long a process may take to end, in milliseconds. */
const stopTimeout = 1_000

/** One process for the app. It is started ahead of its time, and waits until it is told to begin. */
export class DevChild {
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #outcome = Promise.withResolvers<DevFailure | undefined>()
  #failure: DevFailure | undefined
  #isStopping = false

  /**
   * @param environment Variables, without those of the app's `.env`: the process reads that file itself.
   * @param onCrash Called when the process ends by itself after the app had begun.
   */
  constructor(folder: string, environment: NodeJS.ProcessEnv, onCrash: (failure: DevFailure) => void) {
    this.#folder = folder
    const file = join(
      import.meta.dirname,
      '..',
      basename(import.meta.url).replace('dev-child', 'dev-process'),
    )
    this.#process = fork(file, { cwd: folder, env: environment })
    this.#process.on('message', (report: DevReport) => this.#receive(report))
    this.#process.on('error', () => {})
    this.#ended = once(this.#process, 'exit').then(([code, signal]) => {
      const failure = this.#failure ?? endedWith(signal ?? `exit code ${code}`)
      this.#outcome.resolve(failure)
      if (!this.#isStopping) onCrash(failure)
    })
  }

  /** Loads and starts the app; resolves with the reason when it does not start, and with nothing when it serves. */
  begin(): Promise<DevFailure | undefined> {
    this.#send({ type: 'begin', folder: this.#folder })
    return this.#outcome.promise
  }

  /** Hands a connection over. */
  hand(socket: Socket): void {
    this.#send({ type: 'connection' }, socket)
  }

  /** Ends the process, in good order if that is quick; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#send({ type: 'stop' })
    const timer = setTimeout(() => this.kill(), stopTimeout)
    await this.#ended
    clearTimeout(timer)
  }

  /** Ends the process at once. */
  kill(): void {
    this.#isStopping = true
    this.#process.kill('SIGKILL')
  }

  #receive(report: DevReport): void {
    if (report.type === 'failed') this.#failure = report.failure
    this.#outcome.resolve(this.#failure)
  }

  #send(order: DevOrder, socket?: Socket): void {
    if (this.#process.connected) this.#process.send(order, socket, {}, () => {})
    else socket?.destroy()
  }
}

function endedWith(how: string): DevFailure {
  const message = `The process of the app ended with ${how}`
  return { message, story: message }
}
