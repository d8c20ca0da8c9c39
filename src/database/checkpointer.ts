import { once } from 'node:events'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { formatSize, Histogram, type HistogramSummary, type Logger } from '../core/index.ts'
import type { CheckpointDuty } from './checkpoint-duty.ts'
import type { CheckpointerData, CheckpointerOrder, CheckpointerReport } from './checkpointer-protocol.ts'
import { checkpointEvent, pausedEvent, pinnedEvent } from './events.ts'
import { describeHolders, type LockHolder } from './lock-holders.ts'
import type { ResolvedCheckpointerOptions } from './options.ts'

/** What the checkpointer has done since it started. */
export interface CheckpointerStats {
  /** Whether it checkpoints; or watches how somebody else does; or waits whether they come back. */
  duty: CheckpointDuty['kind']
  /** Frames in the WAL, and frames of them that are in the database too, as the thread saw them last. */
  frames: number
  checkpointed: number
  /** Milliseconds that a checkpoint took, on its own thread. */
  passive: HistogramSummary
  restart: HistogramSummary
  /** Milliseconds for which writers paused, so that somebody else's checkpoint could complete. */
  pause: HistogramSummary
  /** Who keeps the WAL from being reused now; `undefined` when nobody does. */
  pinned: { duration: number; readers: LockHolder[] } | undefined
}

/** Before a thread that died is started again, in milliseconds; twice as long each time that it dies without having worked. */
const restartDelay = { shortest: 1_000, longest: 60_000 }

/** Who is told of what the thread does. */
export interface CheckpointerListeners {
  /** The thread begins, or ends, however it ends. */
  onRunning?: (isRunning: boolean) => void
  /** The disk did not take what was moved to the database. The thread then rests for good. */
  onFailure?: (reason: string) => void
  /** It has waited for a replicator in vain, and checkpoints from now on. */
  onTookOver?: () => void
  /** Writers are to pause, or to go on. */
  onPause?: (isPaused: boolean) => void
  /** The WAL under somebody else's checkpoints is over half of its limit; told up to four times a second. */
  onLargeWal?: () => void
  /** The file at the path is not the one that was opened. The thread then rests for good. */
  onReplaced?: () => void
}

/** Starts the checkpointing thread, keeps it alive, and passes on what it tells. See `checkpointer-thread.ts`. */
export class Checkpointer {
  readonly #data: CheckpointerData
  readonly #logger: Logger
  readonly #listeners: CheckpointerListeners
  readonly #passive = new Histogram()
  readonly #restart = new Histogram()
  readonly #pauses = new Histogram()
  #state: Pick<CheckpointerStats, 'frames' | 'checkpointed' | 'pinned'> = {
    frames: 0,
    checkpointed: 0,
    pinned: undefined,
  }
  #duty: CheckpointDuty['kind'] = 'checkpoint'
  #thread: Worker | undefined
  #isWanted = false
  /** How many orders the thread has not confirmed. */
  #orders = 0
  #restartDelay = restartDelay.shortest

  constructor(
    path: string,
    options: ResolvedCheckpointerOptions,
    logger: Logger,
    listeners: CheckpointerListeners,
  ) {
    this.#data = { path, options, duty: { kind: 'checkpoint' } }
    this.#logger = logger
    this.#listeners = listeners
  }

  /**
   * Starts the thread; resolves when it runs.
   *
   * @param duty Default: what it was told last, at first to checkpoint.
   */
  async start(duty = this.#data.duty): Promise<void> {
    this.#isWanted = true
    if (this.#thread) return await this.setDuty(duty)
    this.#data.duty = duty
    const thread = new Worker(new URL(`./checkpointer-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: this.#data,
    })
    this.#thread = thread
    thread.on('message', (message: CheckpointerReport) => this.#receive(message))
    thread.on('error', (error) => this.#logger.error({ error: String(error) }, 'the checkpointer failed'))
    thread.on('exit', () => void this.#ended())
    await once(thread, 'online')
    thread.unref()
    this.#listeners.onRunning?.(true)
  }

  /**
   * Tells the thread what to do from now on. Resolves when it does; at once when it does not run, since it begins with that then.
   * Never rejects.
   */
  async setDuty(duty: CheckpointDuty): Promise<void> {
    const thread = this.#thread
    this.#data.duty = duty
    if (thread === undefined) return
    this.#orders++
    const { promise, resolve } = Promise.withResolvers<void>()
    const heard = (message: CheckpointerReport): void => {
      if (message.kind === 'duty' && message.duty === duty.kind) resolve()
    }
    thread.on('message', heard).once('exit', resolve)
    // Without that a process that waits for nothing else would end here.
    thread.ref()
    thread.postMessage(duty satisfies CheckpointerOrder)
    await promise
    thread.off('message', heard).off('exit', resolve)
    this.#orders--
    if (this.#orders === 0 && this.#isWanted) thread.unref()
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
    return {
      duty: this.#duty,
      ...this.#state,
      passive: this.#passive.summary(),
      restart: this.#restart.summary(),
      pause: this.#pauses.summary(),
    }
  }

  async #ended(): Promise<void> {
    this.#thread = undefined
    this.#listeners.onPause?.(false)
    this.#listeners.onRunning?.(false)
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
      this.#listeners.onFailure?.(reason)
    } else if (message.kind === 'trouble') {
      this.#logger.warn({ path, reason: message.reason }, 'a checkpoint failed; it is tried again')
    } else if (message.kind === 'duty') {
      this.#duty = message.duty
    } else if (message.kind === 'took over') {
      this.#tookOver()
    } else if (message.kind === 'watched') {
      const { frames, checkpointed } = message
      this.#state = { ...this.#state, frames, checkpointed }
    } else if (message.kind === 'pause') {
      this.#listeners.onPause?.(true)
    } else if (message.kind === 'large') {
      this.#listeners.onLargeWal?.()
    } else if (message.kind === 'resume') {
      this.#listeners.onPause?.(false)
      this.#reportPause(message)
    } else if (message.kind === 'replaced') {
      this.#logger.error({ path }, 'the database was deleted or replaced while it is open')
      this.#listeners.onReplaced?.()
    } else {
      this.#state.pinned = undefined
    }
  }

  /** What the thread has decided counts, unless it was told something else meanwhile. */
  #tookOver(): void {
    if (this.#orders > 0) return
    const { path } = this.#data
    this.#data.duty = { kind: 'checkpoint' }
    this.#logger.warn({ path }, 'nobody replicates the WAL any more, so it is checkpointed here again')
    this.#listeners.onTookOver?.()
  }

  #reportPause({ frames, bytes, duration, isMoved, readers }: CheckpointerReport & { kind: 'resume' }): void {
    const { path } = this.#data
    this.#pauses.record(duration)
    if (pausedEvent.hasSubscribers) pausedEvent.publish({ path, frames, duration, isMoved })
    if (isMoved) return
    this.#logger.warn(
      { path, frames, bytes, readers },
      `writers paused for ${Math.round(duration)} ms and go on, but the WAL of ${formatSize(bytes)} was not moved into the database; it is read by ${describeHolders(readers) || 'unknown'}`,
    )
  }
}
