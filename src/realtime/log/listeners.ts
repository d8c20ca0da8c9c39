import type { Logger } from '../../core/index.ts'
import { errorEvent } from '../events.ts'

/** Who wants to be called with something. One that throws takes nothing from the others, nor from itself later: it is logged. */
export class Listeners<Parameter> {
  readonly #listeners = new Set<(parameter: Parameter) => void>()
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Adds one; returns what takes it out. */
  add(listener: (parameter: Parameter) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Calls all of them. */
  tell(parameter: Parameter): void {
    for (const listener of this.#listeners) {
      try {
        listener(parameter)
      } catch (error) {
        this.#logger.error({ error: String(error) }, 'a listener of realtime messages failed')
        errorEvent.publish({ during: 'listener', error })
      }
    }
  }
}
