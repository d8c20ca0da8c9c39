import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { basename, join } from 'node:path'
import type { DevFailure, DevOrder, DevReport } from './protocol.ts'

/** How long a process may take to end, in milliseconds. */
const stopTimeout = 1_000

/** A connection on which nothing was answered when its process ended. */
export interface LeftConnection {
  socket: Socket
  /** Whether it had arrived, and a request may have been read. */
  wasAccepted: boolean
}

/** How a process of the app has ended. */
export interface DevEnd {
  failure: DevFailure
  /** Whether it was told to. */
  wasStopped: boolean
  left: LeftConnection[]
}

/** One process for the app. It is started ahead of its time, and waits until it is told to begin. */
export class DevChild {
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #outcome = Promise.withResolvers<DevFailure | undefined>()
  /** Connections that were handed over and may have to be taken back, by the number that they were given. */
  readonly #connections = new Map<number, LeftConnection>()
  #lastConnection = 0
  #failure: DevFailure | undefined
  #isStopping = false

  /** @param environment Variables, without those of the app's `.env`: the process reads that file itself. */
  constructor(folder: string, environment: NodeJS.ProcessEnv, onEnd: (end: DevEnd) => void) {
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
      onEnd({ failure, wasStopped: this.#isStopping, left: [...this.#connections.values()] })
      this.#connections.clear()
    })
  }

  /** Loads and starts the app; resolves with the reason when it does not start, and with nothing when it serves. */
  begin(): Promise<DevFailure | undefined> {
    this.#send({ type: 'begin', folder: this.#folder })
    return this.#outcome.promise
  }

  /**
   * Hands a connection over. A copy is kept until the process begins to answer: a process that dies would otherwise take the
   * connection with it, or leave it open for ever when it had not arrived yet.
   */
  hand(socket: Socket): void {
    const id = ++this.#lastConnection
    this.#connections.set(id, { socket, wasAccepted: false })
    this.#send({ type: 'connection', id }, socket)
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
    if (report.type === 'accepted') {
      const connection = this.#connections.get(report.id)
      if (connection) connection.wasAccepted = true
    } else if (report.type === 'answering') {
      this.#connections.get(report.id)?.socket.destroy()
      this.#connections.delete(report.id)
    } else {
      if (report.type === 'failed') this.#failure = report.failure
      this.#outcome.resolve(this.#failure)
    }
  }

  #send(order: DevOrder, socket?: Socket): void {
    if (this.#process.connected) this.#process.send(order, socket, { keepOpen: true }, () => {})
  }
}

function endedWith(how: string): DevFailure {
  const message = `The process of the app ended with ${how}`
  return { message, story: message }
}
