/** Writes that failed and are remembered one by one. */
const most = 10_000

/** Ids of keys, or simply all. */
interface Losses {
  readonly ids: Set<number>
  areAll: boolean
}

/**
 * The keys of which the file says something else than it should, because a write of them has failed. They are misses until they are
 * deleted from the file, and that is committed.
 */
export class Lost {
  #losses: Losses = { ids: new Set(), areAll: false }
  /** What is deleted by a transaction that is not committed yet. */
  #leaving: Losses | undefined

  /** Whether there are too many to know them: then nothing in the file counts. */
  get areAll(): boolean {
    return this.#losses.areAll || this.#leaving?.areAll === true
  }

  add(id: number): void {
    if (this.#losses.ids.size < most) this.#losses.ids.add(id)
    else this.#losses.areAll = true
  }

  has(id: number): boolean {
    return this.#losses.ids.has(id) || this.#leaving?.ids.has(id) === true
  }

  /** What a transaction is to delete, unless there is nothing or another one does. */
  take(): Readonly<Losses> | undefined {
    if (this.#losses.ids.size === 0 || this.#leaving !== undefined) return undefined
    this.#leaving = this.#losses
    this.#losses = { ids: new Set(), areAll: false }
    return this.#leaving
  }

  /** The transaction has ended. */
  taken(isCommitted: boolean): void {
    const { ids, areAll } = this.#leaving!
    this.#leaving = undefined
    if (isCommitted) return
    for (const id of ids) this.add(id)
    this.#losses.areAll ||= areAll
  }

  /** The file is another one. */
  clear(): void {
    this.#losses = { ids: new Set(), areAll: false }
    if (this.#leaving !== undefined) this.#leaving = this.#losses
  }
}
