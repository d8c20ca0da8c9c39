import type { Identity } from './identify.ts'

/**
 * Clients that are being asked who they are. The answer may be older than an order to disconnect its user, who is no connection yet and
 * would not be found by it: such a client is asked again.
 */
export class Arrivals {
  /** Of each client the users who were sent away since it was asked; `undefined`: all. */
  readonly #sentAway = new Set<Set<string | undefined>>()

  /** How many clients there are. */
  get size(): number {
    return this.#sentAway.size
  }

  /** The connections of a user are ended, or those of all. */
  sendAway(user: string | undefined): void {
    for (const users of this.#sentAway) users.add(user)
  }

  /** Who a client is, by an answer that is still true. */
  async identify(ask: () => Promise<Identity>): Promise<Identity> {
    const sentAway = new Set<string | undefined>()
    this.#sentAway.add(sentAway)
    try {
      for (;;) {
        sentAway.clear()
        const identity = await ask()
        if (typeof identity === 'string') return identity
        const { user } = identity
        if (!sentAway.has(undefined) && !(user !== undefined && sentAway.has(String(user.id))))
          return identity
      }
    } finally {
      this.#sentAway.delete(sentAway)
    }
  }
}
