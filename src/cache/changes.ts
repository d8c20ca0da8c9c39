/** Those who look at one database of this process. */
const watchers = new WeakMap<object, Set<Changes>>()

/** After so many questions within one turn the file is looked at again, for code that never lets the event loop turn. */
const mostQuestions = 256

/**
 * Knows whether somebody else may have changed a file. The file is looked at once per turn of the event loop, which is as good as each
 * time: whatever tells this process of another one's write comes in a later turn.
 */
export class Changes {
  readonly #dataVersion: () => number
  readonly #onLook: (hasChanged: boolean) => void
  readonly #endTurn: () => void
  #known = Number.NaN
  #isFresh = false
  #questions = 0
  #watchers: ReadonlySet<Changes> = new Set()
  /** Another number for each state of the file that somebody else may have changed. */
  epoch = 1

  /**
   * @param dataVersion Changes with the commits of others.
   * @param onLook Called each time the file was looked at.
   */
  constructor(dataVersion: () => number, onLook: (hasChanged: boolean) => void = () => {}) {
    this.#dataVersion = dataVersion
    this.#onLook = onLook
    this.#endTurn = () => {
      this.#isFresh = false
    }
  }

  /** Looks at the file unless that was done in this turn; returns {@link epoch}. */
  look(): number {
    if (this.#isFresh && ++this.#questions < mostQuestions) return this.epoch
    this.#questions = 0
    const version = this.#dataVersion()
    const hasChanged = version !== this.#known
    if (hasChanged) {
      this.#known = version
      this.epoch++
    }
    if (!this.#isFresh) {
      this.#isFresh = true
      // Runs when the callback of the event loop, with all promises that it settles, has come to its end.
      process.nextTick(this.#endTurn)
    }
    this.#onLook(hasChanged)
    return this.epoch
  }

  /** Tells of a commit of this process: others of this process that use the same database cannot see it as one of somebody else. */
  committed(): void {
    for (const other of this.#watchers) if (other !== this) other.reset()
  }

  /** Begins to hear of the commits of others of this process; returns what ends it. */
  join(database: object): () => void {
    const present = watchers.get(database) ?? new Set()
    watchers.set(database, present.add(this))
    this.#watchers = present
    return () => void present.delete(this)
  }

  /** Forgets what is known: the file is another one. */
  reset(): void {
    this.#known = Number.NaN
    this.#isFresh = false
    this.epoch++
  }
}
