import type { Logger } from '../../core/index.ts'

/** Says in the log that jobs of a name are parked, once for each name: there may be thousands of them. */
export class ParkingNotice {
  readonly #logger: Logger
  readonly #told = new Set<string>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** @param reason Begins with `parked:`. */
  tell(name: string, id: number, reason: string): void {
    if (this.#told.has(name)) return
    this.#told.add(name)
    this.#logger.warn(
      { job: name, jobId: id, reason },
      'jobs of this name are parked: they wait for other code',
    )
  }
}
