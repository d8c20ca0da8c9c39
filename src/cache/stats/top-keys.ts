/** How many keys are counted at once. */
const most = 1_000

/** The keys that are read most, from every 64th hit: good enough to find them, and free. */
export class TopKeys {
  readonly #counts = new Map<string, number>()

  add(namespace: string, key: string): void {
    const name = namespace === '' ? key : `${namespace}/${key}`
    const count = this.#counts.get(name)
    if (count === undefined && this.#counts.size >= most) this.#halve()
    this.#counts.set(name, (count ?? 0) + 1)
  }

  /** The first ones, with the number of their hits, roughly. */
  list(length = 10): { key: string; hits: number }[] {
    return [...this.#counts]
      .sort(([, one], [, other]) => other - one)
      .slice(0, length)
      .map(([key, count]) => ({ key, hits: count * 64 }))
  }

  /** What is rare falls out, and what was frequent long ago fades. */
  #halve(): void {
    for (const [name, count] of this.#counts) {
      if (count < 2) this.#counts.delete(name)
      else this.#counts.set(name, Math.floor(count / 2))
    }
  }
}
