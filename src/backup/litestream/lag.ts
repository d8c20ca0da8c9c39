/** What is known of a database and a replica at one moment. */
export interface Sample {
  /** Milliseconds since 1970. */
  at: number
  /** How far Litestream has read the database's WAL: any number that grows. */
  local: number
  /** How far the replica is, in the same numbers; `undefined` while it is not known. */
  remote: number | undefined
  /** When the WAL was written last, in milliseconds since 1970; 0 when never. */
  writtenAt: number
}

/** Litestream may take so long to read what was written before that counts as a lag, in milliseconds. */
const readingGrace = 3_000

/**
 * How long a replica has been behind: the age of the oldest change that it does not have. Litestream's own counters of errors do not
 * tell (they stay 0 while a bucket is frozen), so its positions are sampled, and it is remembered when each one of the database was seen
 * first. The file of the WAL has its say too: what is written while Litestream does not read on is behind as well.
 */
export class LagMeter {
  /** Positions that the replica does not have yet, each with the sample before it: the change is not older than that. */
  #missing: { position: number; since: number }[] = []
  #last: Sample | undefined
  #localChangedAt = 0
  /** Since when something is written that Litestream has not read. */
  #unreadSince: number | undefined

  /** Takes a sample. */
  note(sample: Sample): void {
    const { at, local, remote, writtenAt } = sample
    const last = this.#last
    // A new generation begins anew.
    if (last !== undefined && local < last.local) this.#missing = []
    if (last === undefined || local !== last.local) {
      this.#missing.push({ position: local, since: last?.at ?? at })
      this.#localChangedAt = at
      this.#unreadSince = undefined
    } else if (writtenAt <= this.#localChangedAt) this.#unreadSince = undefined
    else this.#unreadSince ??= at
    if (remote !== undefined) this.#missing = this.#missing.filter(({ position }) => position > remote)
    this.#last = sample
  }

  /** Milliseconds for which the replica is behind; 0 when it has everything, `undefined` when nothing is known. */
  lag(now: number): number | undefined {
    if (this.#last === undefined) return undefined
    const behind = this.#missing[0] === undefined ? 0 : now - this.#missing[0].since
    const unread = this.#unreadSince === undefined ? 0 : now - this.#unreadSince
    return Math.max(0, behind, unread > readingGrace ? unread : 0)
  }
}
