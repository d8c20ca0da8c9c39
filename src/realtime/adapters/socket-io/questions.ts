import { randomBytes } from 'node:crypto'

/** An event that the sockets of all servers are to answer. */
interface Question {
  /** Servers that have not said yet how many of their sockets were asked. */
  readonly uncounted: Set<string>
  readonly servers: ReadonlySet<string>
  readonly counted: (count: number) => void
  readonly answered: (answer: unknown) => void
}

/** Events that wait for the answers of clients, until their time is over: socket.io counts what comes. */
export class Questions {
  readonly #questions = new Map<string, Question>()

  /** How many are open. */
  get size(): number {
    return this.#questions.size
  }

  /**
   * Opens one.
   *
   * @param servers Who is to say how many sockets were asked.
   * @param timeout In milliseconds.
   */
  open(
    servers: readonly string[],
    timeout: number,
    counted: (count: number) => void,
    answered: (answer: unknown) => void,
  ): string {
    const request = randomBytes(8).toString('hex')
    this.#questions.set(request, {
      servers: new Set(servers),
      uncounted: new Set(servers),
      counted,
      answered,
    })
    setTimeout(() => this.#questions.delete(request), timeout).unref()
    return request
  }

  counted(request: string, from: string, count: number): void {
    const question = this.#questions.get(request)
    if (question?.uncounted.delete(from) === true) question.counted(count)
  }

  answered(request: string, from: string, answer: unknown): void {
    const question = this.#questions.get(request)
    if (question?.servers.has(from) === true) question.answered(answer)
  }

  /** Servers that died before they have said how many have asked nobody. */
  keepOnly(living: ReadonlySet<string>): void {
    for (const { uncounted, counted } of this.#questions.values())
      for (const server of uncounted)
        if (!living.has(server)) {
          uncounted.delete(server)
          counted(0)
        }
  }
}
