/** Those of one process who wait for the same thing, in their order: only the first of them asks for it. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /**
   * Does something when everybody who came before has done so.
   *
   * @param end Gives up; what is being done has to see to that itself.
   * @returns `undefined` when it was given up before its turn
   */
  async take<Result>(
    name: string,
    end: AbortSignal,
    work: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const done = before.then(() => (end.aborted ? undefined : work()))
    const settled = done.then(
      () => {},
      () => {},
    )
    this.#last.set(name, settled)
    void settled.then(() => {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    })
    const { promise: ended, resolve } = Promise.withResolvers<undefined>()
    const giveUp = (): void => resolve(undefined)
    end.addEventListener('abort', giveUp, { once: true })
    try {
      // Whoever has had no turn yet does not wait for it; whoever has one is given what comes of it.
      let hasTurn = false
      void before.then(() => (hasTurn = true))
      const first = await Promise.race([done, ended])
      return hasTurn ? await done : first
    } finally {
      end.removeEventListener('abort', giveUp)
    }
  }
}
