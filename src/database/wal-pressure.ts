/** When writers pause for the WAL. */
export interface PressureLimits {
  /** Bytes of frames in the WAL above which they pause. */
  walLimit: number
  /** How long a pause lasts at most, in milliseconds. */
  longestPause: number
}

/** What a look at the WAL found. */
export interface WalLook {
  /** Bytes of the frames that the next write is appended to. */
  bytes: number
  /** Whether all of them are in the database too, so that the next write may begin at the start of the WAL. */
  isMoved: boolean
}

/** What writers are to do from now on: wait; go on, since the WAL begins anew; go on although it does not. */
export type PressureOrder = 'pause' | 'resume' | 'give up'

/**
 * Decides when writers pause so that a WAL under somebody else's checkpoints stays bounded.
 *
 * A PASSIVE checkpoint moves what it finds, but the WAL begins anew only when it has caught up with the writers, which it never
 * does while they write without a pause: flat out it grew to 1.6–3.1 GB in seconds. A RESTART checkpoint would lock the
 * writers out for as long as any reader reads. A pause of all writers is enough instead: the next PASSIVE finds nothing new and
 * completes, and readers disturb nobody.
 *
 * A pause ends after a second at most, because a reader or an upload may keep the WAL for long. Then writers go on, and pause again
 * only when it has grown by a further quarter of the limit: so the slower they write, the less they are slowed down.
 */
export class WalPressure {
  readonly #limits: PressureLimits
  #pausedAt: number | undefined
  /** Bytes from which on writers pause. */
  #threshold: number

  constructor(limits: PressureLimits) {
    this.#limits = limits
    this.#threshold = limits.walLimit
  }

  /** Whether writers pause now. */
  get isPausing(): boolean {
    return this.#pausedAt !== undefined
  }

  /**
   * @param now Milliseconds of a clock that only goes forward.
   * @returns what changes; `undefined` when nothing does
   */
  look({ bytes, isMoved }: WalLook, now: number): PressureOrder | undefined {
    const { walLimit, longestPause } = this.#limits
    const isFree = isMoved || bytes <= walLimit
    if (isFree) this.#threshold = walLimit
    if (this.#pausedAt === undefined) {
      if (isFree || bytes <= this.#threshold) return undefined
      this.#pausedAt = now
      return 'pause'
    }
    if (!isFree && now - this.#pausedAt < longestPause) return undefined
    this.#pausedAt = undefined
    if (isFree) return 'resume'
    this.#threshold = bytes + walLimit / 4
    return 'give up'
  }
}
