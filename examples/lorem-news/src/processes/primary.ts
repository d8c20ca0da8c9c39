import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { Configuration } from '../configuration.ts'
import { coordinate } from '../database/index.ts'
import { stopOnSignal } from './signals.ts'

const shortestPause = 100
const longestPause = 5_000

/**
 * Runs the app in several processes. This one serves no requests: it lets the others write one after the other, moves what they
 * wrote into the database file, and replaces a process that dies. Gives the port once all of them listen.
 */
export async function runPrimary(configuration: Configuration): Promise<number> {
  const coordinator = await coordinate(configuration)
  const workers = new Workers(configuration.processes)
  stopOnSignal(async () => {
    await workers.stop()
    await coordinator.stop()
  })
  return workers.start()
}

/** The processes that serve. */
class Workers {
  readonly #count: number
  readonly #alive = new Set<Worker>()
  #isStopping = false

  constructor(count: number) {
    this.#count = count
  }

  /** Starts all of them and gives the port that they share. */
  async start(): Promise<number> {
    const ports = await Promise.all(Array.from({ length: this.#count }, () => this.#startFirst()))
    return ports[0]!
  }

  /** Asks all of them to finish, and waits until they are gone. */
  async stop(): Promise<void> {
    this.#isStopping = true
    const ended = [...this.#alive].map((worker) => once(worker, 'exit'))
    for (const worker of this.#alive) worker.process.kill('SIGTERM')
    await Promise.all(ended)
  }

  /** A process that cannot even start for the first time will not start the next time either. */
  async #startFirst(): Promise<number> {
    const worker = this.#fork(shortestPause)
    return new Promise((resolve, reject) => {
      worker.once('listening', ({ port }) => resolve(port))
      worker.once('exit', () => reject(new Error('A process could not start; its own message stands above.')))
    })
  }

  #fork(pause: number): Worker {
    const worker = cluster.fork()
    const startedAt = Date.now()
    this.#alive.add(worker)
    worker.once('exit', (code, signal) => {
      this.#alive.delete(worker)
      if (this.#isStopping) return
      console.error(
        `Process ${worker.process.pid} ended (${signal ?? `exit code ${code}`}); another one takes its place.`,
      )
      // Who keeps dying young is replaced less and less often.
      const hasLived = Date.now() - startedAt > longestPause
      const next = hasLived ? shortestPause : Math.min(pause * 2, longestPause)
      setTimeout(() => this.#isStopping || this.#fork(next), hasLived ? 0 : pause)
    })
    return worker
  }
}
