import type { Logger } from '../../core/index.ts'
import { problemEvent, type ReplicationProblem } from '../events.ts'

/** Says what is wrong with a replication: when it begins, when it becomes another, and when it is over; not each second. */
export class Problems {
  readonly #logger: Logger
  #current: ReplicationProblem | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** What was told last. */
  get current(): ReplicationProblem | undefined {
    return this.#current
  }

  /** @param problem `undefined` when all is well. */
  tell(problem: ReplicationProblem | undefined): void {
    const before = this.#current
    if (problem?.kind === before?.kind) return
    this.#current = problem
    problemEvent.publish({ problem, before })
    if (problem === undefined) this.#logger.info({}, 'The backup is well again')
    else this.#logger.error({ kind: problem.kind }, `The backup has a problem: ${problem.message}`)
  }
}
