import { once } from 'node:events'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Histogram, type HistogramSummary, type Logger } from '../core/index.ts'
import type { CheckpointerData, CheckpointerReport } from './checkpointer-thread.ts'
import { checkpointEvent, pinnedEvent } from './events.ts'
import { describeHolders, type LockHolder } from './lock-holders.ts'
import type { ResolvedCheckpointerOptions } from './options.ts'

/** What the checkpointer has done since it started. */
export interface CheckpointerStats {
  /** Frames in the WAL, and frames of them that are in the database too, as the thread saw them last. */
  frames: number
  checkpointed: number
  /** Milliseconds that a checkpoint took, on its own thread. */
  passive: HistogramSummary
  restart: HistogramSummary
  /** Who keeps the WAL from being reused now; `undefined` when nobody does. */
  pinned: { duration: number; readers: LockHolder[] } | undefined
}

/** Before a thread that died is started again, in milliseconds; twice as long each time that it dies without having worked. */
const restartDelay = { shortest: 1_000, longest: 60_000 }

/** Starts the checkpointing thread, keeps it alive, and passes on what it tells. See `checkpointer-thread.ts`. */
export class Checkpointer {
  readonly #data: CheckpointerData
  readonly #logger: Logger
  readonly #onRunning: (isRunning: boolean) => void
  readonly #onFailure: (reason: string) => void
  readonly #passive = new Histogram()
  readonly #restart = new Histogram()
  #state: Pick<CheckpointerStats, 'frames' | 'checkpointed' | 'pinned'> = {
    frames: 0,
    checkpointed: 0,
    pinned: undefined,
  }
  #thread: Worker | undefined
  #isWanted = false
  #restartDelay = restartDelay.shortest

  /**
   * @param onRunning Told when the thread begins and when it ends, however it ends.
   * @param onFailure Told when the disk did not take what was moved to the database. The thread then rests for good.
   */
  constructor(
    path: string,
    options: ResolvedCheckpointerOptions,
    logger: Logger,
    onRunning: (isRunning: boolean) => void,
    onFailure: (reason: string) => void = () => {},
  ) {
    this.#data = { path, options }
    this.#logger = logger
    this.#onRunning = onRunning
    this.#onFailure = onFailure
  }

  /** Starts the thread; resolves when it runs. */
  async start(): Promise<void> {
    this.#isWanted = true
    if (this.#thread) return
    const thread = new Worker(new URL(`./checkpointer-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: this.#data,
    })
    this.#thread = thread
    thread.on('message', (message: CheckpointerReport) => this.#receive(message))
    thread.on('error', (error) => this.#logger.error({ error: String(error) }, 'the checkpointer failed'))
    thread.on('exit', () => void this.#ended())
    await once(thread, 'online')
    thread.unref()
    this.#onRunning(true)
  }

  /** Ends the thread after the checkpoint that it may be in. */
  async stop(): Promise<void> {
    this.#isWanted = false
    const thread = this.#thread
    if (thread === undefined) return
    // Also of one that fails meanwhile: `once` of node:events would not wait for its end.
    const exit = new Promise<unknown>((resolve) => thread.once('exit', resolve))
    thread.ref()
    thread.postMessage('stop')
    await exit
  }

  /** What the thread has done. */
  stats(): CheckpointerStats {
    return { ...this.#state, passive: this.#passive.summary(), restart: this.#restart.summary() }
  }

  async #ended(): Promise<void> {
    this.#thread = undefined
    this.#onRunning(false)
    if (!this.#isWanted) return
    await sleep(this.#restartDelay, undefined, { ref: false })
    this.#restartDelay = Math.min(this.#restartDelay * 2, restartDelay.longest)
    // Why it could not start was logged by its listener.
    if (this.#isWanted) await this.start().catch(() => {})
  }

  #receive(message: CheckpointerReport): void {
    const { path } = this.#data
    this.#restartDelay = restartDelay.shortest
    if (message.kind === 'checkpoint') {
      const { mode, frames, checkpointed, duration } = message
      this.#state = { ...this.#state, frames, checkpointed }
      ;(mode === 'passive' ? this.#passive : this.#restart).record(duration)
      if (checkpointEvent.hasSubscribers)
        checkpointEvent.publish({ path, mode, frames, checkpointed, duration })
    } else if (message.kind === 'pinned') {
      const { frames, duration, readers } = message
      this.#state.pinned = { duration, readers }
      this.#logger.warn(
        { path, frames, readers },
        `a reader keeps the WAL from being reused: ${describeHolders(readers) || 'unknown'}`,
      )
      if (pinnedEvent.hasSubscribers) pinnedEvent.publish({ path, frames, duration, readers })
    } else if (message.kind === 'failed') {
      const { reason } = message
      this.#logger.error(
        { path, reason },
        'the disk did not take a checkpoint: nothing is checkpointed any more',
      )
      this.#onFailure(reason)
    } else if (message.kind === 'trouble') {
      this.#logger.warn({ path, reason: message.reason }, 'a checkpoint failed; it is tried again')
    } else {
      this.#state.pinned = undefined
    }
  }
}
