/** Ends a registration. */
export type Off = () => void

/**
 * Calls listeners by name. One that throws keeps neither the others nor the next message from being heard; its error goes where
 * errors that nobody caught go (`window.onerror`, `uncaughtException`).
 */
export class Emitter {
  readonly #listeners = new Set<{ name: string; listener: (...values: never[]) => unknown }>()

  on(name: string, listener: (...values: never[]) => unknown): Off {
    const registered = { name, listener }
    this.#listeners.add(registered)
    return () => this.#listeners.delete(registered)
  }

  /** Whether anybody has heard it. */
  emit(name: string, ...values: unknown[]): boolean {
    const heard = [...this.#listeners].filter((each) => each.name === name)
    for (const { listener } of heard) {
      try {
        listener(...(values as never[]))
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
    return heard.length > 0
  }
}
