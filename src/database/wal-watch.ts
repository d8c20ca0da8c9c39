import type { CheckpointDuty } from './checkpoint-duty.ts'
import type { CheckpointerReport, WalState } from './checkpointer-protocol.ts'
import { longestPause } from './lease.ts'
import { lockHolders } from './lock-holders.ts'
import { WalPressure } from './wal-pressure.ts'

/** How often it is told what is watched, in milliseconds. */
const tellInterval = 250

/** What the watch needs to know. */
export interface WalWatchOptions {
  path: string
  /** Bytes of a frame of the WAL: a page and its header. */
  frameSize: number
  duty: Exclude<CheckpointDuty, { kind: 'checkpoint' }>
  report: (message: CheckpointerReport) => void
}

/** Watches a WAL that somebody else checkpoints, or soon will again: tells how large it is, and when writers are to pause. */
export class WalWatch {
  readonly #options: WalWatchOptions
  readonly #pressure: WalPressure
  readonly #since = performance.now()
  #frames = 0
  #pausedAt = 0
  #toldAt = 0
  #told = ''

  constructor(options: WalWatchOptions) {
    this.#options = options
    this.#pressure = new WalPressure({ walLimit: options.duty.walLimit, longestPause })
  }

  /**
   * Takes in how the WAL is now.
   *
   * @returns whether anything happens that should be looked at again soon
   */
  look(state: WalState): boolean {
    const now = performance.now()
    const isActive = state.log !== this.#frames
    this.#frames = state.log
    if (this.#options.duty.kind === 'watch') this.#bound(state, now)
    this.#tell(state, now)
    return isActive || this.#pressure.isPausing
  }

  /** Whether the replicator has been gone for too long, or too much was written meanwhile. */
  isOver({ log }: WalState): boolean {
    const { duty, frameSize } = this.#options
    if (duty.kind === 'watch') return false
    return performance.now() - this.#since >= duty.after || log * frameSize > duty.walLimit
  }

  /** Lets writers go on that pause. */
  end(): void {
    if (this.#pressure.isPausing) this.#resume(this.#frames, true)
  }

  #bound({ log, checkpointed }: WalState, now: number): void {
    const look = { bytes: log * this.#options.frameSize, isMoved: log === checkpointed }
    const order = this.#pressure.look(look, now)
    if (order === undefined) return
    if (order !== 'pause') return this.#resume(log, order === 'resume')
    this.#pausedAt = now
    this.#options.report({ kind: 'pause', frames: log })
  }

  #resume(frames: number, isMoved: boolean): void {
    const { path, frameSize, report } = this.#options
    const duration = performance.now() - this.#pausedAt
    const readers = isMoved ? [] : lockHolders(path).readers
    report({ kind: 'resume', frames, bytes: frames * frameSize, duration, isMoved, readers })
  }

  #tell({ log, checkpointed }: WalState, now: number): void {
    const found = `${log} ${checkpointed}`
    if (found === this.#told || now - this.#toldAt < tellInterval) return
    this.#told = found
    this.#toldAt = now
    const { duty, frameSize, report } = this.#options
    report({ kind: 'watched', frames: log, checkpointed })
    const isLarge = log !== checkpointed && log * frameSize > duty.walLimit / 2
    if (duty.kind === 'watch' && isLarge) report({ kind: 'large' })
  }
}
