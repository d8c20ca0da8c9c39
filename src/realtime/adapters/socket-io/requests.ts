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
  /** What has come of an answer in pieces, by its attempt and server. */
  readonly pieces: Map<string, unknown[]>
  readonly finish: () => void
}

/** So often a request is repeated, in milliseconds. */
const repeatInterval = 500

/**
 * Requests to other servers, each answered by those that were there when it was made; one that dies is not waited for. The relay may lose a
 * request or its answer when its hub has just died: while answers are missing it is repeated, under the same name with another attempt.
 */
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
   * @param ask Sends the request: its name, a dot, and the number of the attempt.
   */
  ask<Answer>(
    servers: readonly string[],
    timeout: number,
    ask: (request: string) => void,
  ): Promise<Answers<Answer>> {
    const asked = servers.length
    if (asked === 0) return Promise.resolve({ answers: [], asked, missing: 0 })
    return new Promise((resolve) => {
      const name = randomBytes(8).toString('hex')
      const answers: Answer[] = []
      const missing = new Set(servers)
      const finish = (): void => {
        clearTimeout(timer)
        clearTimeout(repeating)
        this.#pending.delete(name)
        resolve({ answers, asked, missing: missing.size })
      }
      const timer = setTimeout(finish, timeout)
      let repeating: NodeJS.Timeout | undefined
      const send = (attempt: number): void => {
        repeating = setTimeout(() => send(attempt + 1), repeatInterval)
        ask(`${name}.${attempt}`)
      }
      this.#pending.set(name, { answers, missing, pieces: new Map(), finish })
      send(0)
    })
  }

  /** Somebody has answered; with the last piece of an attempt it is done. */
  answer(request: string, from: string, answers: readonly unknown[], isLast = true): void {
    const pending = this.#pending.get(nameOf(request))
    if (pending?.missing.has(from) !== true) return
    const key = `${request} ${from}`
    const pieces = pending.pieces.get(key) ?? []
    pending.pieces.set(key, pieces)
    pieces.push(...answers)
    if (!isLast) return
    pending.answers.push(...pieces)
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

/** The name of a request without its attempt. */
export function nameOf(request: string): string {
  return request.slice(0, request.indexOf('.'))
}
