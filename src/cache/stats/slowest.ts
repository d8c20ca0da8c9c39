const most = 10

/** A factory that took long. */
export interface SlowFactory {
  key: string
  /** Milliseconds. */
  duration: number
}

/** The slowest factories, one time for each key. */
export class Slowest {
  #list: SlowFactory[] = []

  add(namespace: string, key: string, duration: number): void {
    if (this.#list.length === most && duration <= this.#list.at(-1)!.duration) return
    const name = namespace === '' ? key : `${namespace}/${key}`
    const before = this.#list.find((each) => each.key === name)
    if (before !== undefined && before.duration >= duration) return
    this.#list = [...this.#list.filter((each) => each !== before), { key: name, duration }]
      .sort((one, other) => other.duration - one.duration)
      .slice(0, most)
  }

  list(): SlowFactory[] {
    return this.#list.map(({ key, duration }) => ({ key, duration: Math.round(duration * 1_000) / 1_000 }))
  }
}
