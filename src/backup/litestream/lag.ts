/** What is known of a database and a replica at one moment. Times in milliseconds of `performance.now()`, since the system's clock may be set. */
export interface Sample {
  at: number
  /** How far Litestream has read the database's WAL: any number that grows. */
  local: number
  /** How far the replica is, in the same numbers; `undefined` while it is not known, as it may be until something new is written. */
  remote: number | undefined
  /** Everything that was written before is read; `undefined` when the last answer still counts. */
  readUntil: number | undefined
}

/** The time of a file may be so much older than the write, in milliseconds: the kernel's clock ticks slowly. */
const clockTick = 20

/**
 * How long a replica has been behind: the age of the oldest change that it does not have. Litestream's own counters of errors do not
 * tell (they stay 0 while a bucket is frozen), so its positions are sampled, and it is remembered until when nothing of a new position can
 * have been written. The file of the WAL has its say too: what was written since Litestream read it last is behind as well. That the file
 * has changed is not enough: a transaction that was rolled back may have left something in it.
 */
export class LagMeter {
  /** Positions that the replica does not have yet; what they hold was written after `since`. */
  #missing: { position: number; since: number }[] = []
  #local: number | undefined
  /** How far Litestream was when it was asked first. What the replica did not have then is of any age. */
  #first: number | undefined
  #readUntil: number | undefined
  #isKnown = false
  #hasGained = false
  #remote: number | undefined
  #progressedAt = 0

  /** Takes a sample. */
  note({ at, local, remote, readUntil }: Sample): void {
    // A new generation begins anew.
    if (this.#local !== undefined && local < this.#local) this.#missing = []
    const isFirst = this.#local === undefined
    if (this.#first !== undefined && local < this.#local!) this.#first = local
    if (isFirst) this.#first = local
    if (local !== this.#local && !(isFirst && remote === undefined))
      this.#missing.push({ position: local, since: this.#readUntil ?? at })
    if (remote !== this.#remote) this.#progress(at, remote)
    if (remote !== undefined && remote >= (this.#first ?? 0)) this.#first = undefined
    if (remote !== undefined) this.#missing = this.#missing.filter(({ position }) => position > remote)
    this.#local = local
    // The clock by which Litestream tells it may have been set meanwhile.
    if (readUntil !== undefined) this.#readUntil = Math.max(this.#readUntil ?? -Infinity, readUntil)
  }

  /**
   * Milliseconds for which the replica is behind; 0 when it has everything, `undefined` when that is not known, as after a start: until the
   * replica has what was there then.
   *
   * @param writtenAt When the WAL was written last; `-Infinity` when never.
   */
  lag(now: number, writtenAt: number): number | undefined {
    return this.#first === undefined ? this.leastLag(now, writtenAt) : undefined
  }

  /** As {@link lag}, but when that is not known, the milliseconds for which it is behind at least. */
  leastLag(now: number, writtenAt: number): number | undefined {
    if (this.#readUntil === undefined) return undefined
    const behind = this.#missing[0] === undefined ? 0 : now - this.#missing[0].since
    const isUnread = writtenAt + clockTick >= this.#readUntil
    const lag = Math.max(0, behind, isUnread ? now - this.#readUntil : 0)
    return lag === 0 && !this.#isKnown ? undefined : lag
  }

  /** Milliseconds for which the replica is behind and gets nothing. */
  stall(now: number): number {
    const [first] = this.#missing
    return first === undefined ? 0 : now - Math.max(this.#progressedAt, first.since)
  }

  /** Whether the replica is known to get what it should: it has everything, or has got something. That it can be read is not enough. */
  get isServed(): boolean {
    return this.#isKnown && (this.#missing.length === 0 || this.#hasGained)
  }

  #progress(at: number, remote: number | undefined): void {
    this.#progressedAt = at
    this.#isKnown ||= remote !== undefined
    // The first number of a replica is what it had before, unless there was none.
    this.#hasGained ||= this.#remote !== 0 && (remote ?? 0) > (this.#remote ?? 0)
    this.#remote = remote
  }
}
