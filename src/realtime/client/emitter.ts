/** Ends a registration. */
export type Off = () => void

/** Listeners by name. */
export interface Emitter {
  on(this: void, name: string, listener: (...values: never[]) => unknown): Off
  /** Whether anybody has heard it. */
  emit(this: void, name: string, ...values: unknown[]): boolean
}

/**
 * A listener that throws keeps neither the others nor the next message from being heard; its error goes where errors that nobody
 * caught go (`window.onerror`, `uncaughtException`).
 */
export function newEmitter(): Emitter {
  const listeners = new Set<[name: string, listener: (...values: never[]) => unknown]>()
  return {
    on(...registered) {
      listeners.add(registered)
      return () => listeners.delete(registered)
    },
    emit(this: void, name, ...values) {
      const heard = [...listeners].filter(([each]) => each === name)
      for (const [, listener] of heard) {
        try {
          listener(...(values as never[]))
        } catch (error) {
          queueMicrotask(() => {
            throw error
          })
        }
      }
      return heard.length > 0
    },
  }
}
