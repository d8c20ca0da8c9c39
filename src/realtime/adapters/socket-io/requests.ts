import { randomBytes } from 'node:crypto'

/** What came of a request. */
export interface Answers<Answer> {
  readonly answers: readonly Answer[]
  /** How many servers were asked, and how many of them have not answered in time. */
  readonly asked: number
  readonly missing: number
}

interface Pending {
  readonly answers: unknown[]
  readonly missing: Set<string>
  readonly finish: () => void
}

/** Requests to other servers, each answered by those that were there when it was made; one that dies is not waited for. */
export class Requests {
  readonly #pending = new Map<string, Pending>()

  /** How many are open. */
  get size(): number {
    return this.#pending.size
  }

  /**
   * Asks, and collects the answers.
   *
   * @param servers Who is to answer.
   * @param timeout How long they have, in milliseconds.
   * @param ask Sends the request.
   */
  ask<Answer>(
    servers: readonly string[],
    timeout: number,
    ask: (request: string) => void,
  ): Promise<Answers<Answer>> {
    const asked = servers.length
    if (asked === 0) return Promise.resolve({ answers: [], asked, missing: 0 })
    return new Promise((resolve) => {
      const request = randomBytes(8).toString('hex')
      const answers: Answer[] = []
      const missing = new Set(servers)
      const finish = (): void => {
        clearTimeout(timer)
        this.#pending.delete(request)
        resolve({ answers, asked, missing: missing.size })
      }
      const timer = setTimeout(finish, timeout)
      this.#pending.set(request, { answers, missing, finish })
      ask(request)
    })
  }

  /** Somebody has answered; with the last piece it is done. */
  answer(request: string, from: string, answers: readonly unknown[], isLast = true): void {
    const pending = this.#pending.get(request)
    if (pending?.missing.has(from) !== true) return
    pending.answers.push(...answers)
    if (!isLast) return
    pending.missing.delete(from)
    if (pending.missing.size === 0) pending.finish()
  }

  /** Waits for nobody any more who does not live. */
  keepOnly(living: ReadonlySet<string>): void {
    for (const { missing, finish } of this.#pending.values()) {
      for (const server of missing) if (!living.has(server)) missing.delete(server)
      if (missing.size === 0) finish()
    }
  }
}
