import type { OwnEntry } from './entry.ts'

/** What the connections of this process are in, with those that are leaving. */
export class OwnEntries {
  readonly #byConnection = new Map<string, Map<string, OwnEntry>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(channel: string, connection: string): OwnEntry | undefined {
    return this.#byConnection.get(connection)?.get(channel)
  }

  of(connection: string): OwnEntry[] {
    return [...(this.#byConnection.get(connection)?.values() ?? [])]
  }

  *all(): Generator<OwnEntry, void, void> {
    for (const entries of this.#byConnection.values()) yield* entries.values()
  }

  /** Puts an entry in the place of the one that its connection may have in its channel. */
  put(entry: OwnEntry): void {
    let entries = this.#byConnection.get(entry.connection)
    if (entries === undefined) this.#byConnection.set(entry.connection, (entries = new Map()))
    if (!entries.has(entry.channel)) this.#size++
    entries.set(entry.channel, entry)
  }

  /** Takes an entry out, unless another one has taken its place. */
  delete(entry: OwnEntry): void {
    const entries = this.#byConnection.get(entry.connection)
    if (entries?.get(entry.channel) !== entry) return
    entries.delete(entry.channel)
    this.#size--
    if (entries.size === 0) this.#byConnection.delete(entry.connection)
  }

  clear(): void {
    this.#byConnection.clear()
    this.#size = 0
  }
}
