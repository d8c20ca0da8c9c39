import type { Logger } from '../../core/index.ts'
import type { ControlTarget, StoredMessage } from '../log/message.ts'
import type { Audiences } from './audience.ts'
import type { Census } from './census.ts'
import type { Connection } from './connection.ts'
import { dismissAll, type Dismiss } from './farewell.ts'
import type { Subscription } from './subscription.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What control messages reach. */
export interface ControlsOptions {
  readonly census: Census
  readonly audiences: Audiences
  readonly subscriptions: Subscriptions
  readonly logger: Logger
  /** Sends a client away; it may come back, and is authenticated anew then. */
  readonly dismiss: Dismiss
}

/**
 * Obeys the messages of the channel of controls, at their place in the log: who has lost a right gets everything that was committed
 * before, and nothing after.
 */
export class Controls {
  readonly #options: ControlsOptions

  constructor(options: ControlsOptions) {
    this.#options = options
  }

  /** Does what a message says. One that nobody understands is logged: a newer release may have written it. */
  obey({ type, data }: StoredMessage): void {
    const { logger, subscriptions } = this.#options
    try {
      const message = JSON.parse(data) as ControlTarget & { reason?: string }
      if (type === 'reauthorize') this.#each(message, (one) => subscriptions.reauthorize(one))
      else if (type === 'disconnect') this.#disconnect(message, message.reason ?? 'Disconnected')
      else logger.warn({ type }, 'A control message of realtime is not known')
    } catch (error) {
      logger.error({ err: error, type }, 'A control message of realtime could not be obeyed')
    }
  }

  #disconnect(target: ControlTarget, reason: string): void {
    const { census, subscriptions, dismiss } = this.#options
    if (target.channel === undefined) {
      census.arrivals.sendAway(target.user)
      dismissAll(this.#connections(target), reason, dismiss)
    } else this.#each(target, (one) => subscriptions.revoke(one, 'disconnected', reason))
  }

  #each(target: ControlTarget, act: (subscription: Subscription) => void): void {
    for (const subscription of this.#subscriptions(target)) act(subscription)
  }

  #subscriptions({ channel, user }: ControlTarget): Subscription[] {
    if (channel === undefined)
      return [...this.#connections({ user })].flatMap(({ subscriptions }) => [...subscriptions.values()])
    const members = [...(this.#options.audiences.get(channel)?.members ?? [])]
    return user === undefined ? members : members.filter(({ connection }) => connection.user === user)
  }

  #connections({ user }: ControlTarget): Iterable<Connection> {
    const { census } = this.#options
    return user === undefined ? census.all : census.ofUser(user)
  }
}
