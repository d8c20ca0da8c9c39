import type { Logger } from '../../core/index.ts'
import type { Database } from '../../database/index.ts'
import { formatPosition, type ProtocolErrorCode, type SubscribeRequest } from '../protocol.ts'
import type { Audiences } from './audience.ts'
import type { Authorizer, Verdict } from './authorizer.ts'
import { beginningOf, resumeFrom } from './beginning.ts'
import type { CatchUp } from './catch-up.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { FanOut } from './fan-out.ts'
import { callHook } from './hooks.ts'
import type { ConnectionsOptions } from './needs.ts'
import type { Presences } from './presences.ts'
import { Subscription } from './subscription.ts'
import { tellGap, tellSubscribed } from './tell.ts'

/** What subscriptions work with. */
export interface SubscriptionsOptions extends Pick<
  ConnectionsOptions,
  'log' | 'feed' | 'channels' | 'limits' | 'realtime' | 'publish'
> {
  readonly database: Database
  readonly audiences: Audiences
  readonly authorizer: Authorizer
  readonly catchUp: CatchUp
  readonly fanOut: FanOut
  readonly presences: Presences
  readonly counters: Counters
  readonly logger: Logger
}

/** What a client says of itself is told to everybody in the channel: so many characters of JSON at most. */
const longestPresence = 4_096

/**
 * The life of subscriptions: `authorize` is asked, the position checked, what was missed is sent, and then they are live; they end when
 * the client says so, when its connection does, or when the right is lost.
 *
 * Between the question to `authorize` and its answer nothing is sent. When rights have changed meanwhile, the question is asked again,
 * and only the answer to the latest one counts: so whatever is sent was allowed at its place in the order of the log.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions

  constructor(options: SubscriptionsOptions) {
    this.#options = options
  }

  /** Answers a subscribe. A channel that is subscribed already is subscribed anew. */
  subscribe(connection: Connection, request: SubscribeRequest): void {
    try {
      this.#subscribe(connection, request)
    } catch (error) {
      this.#fail(connection, request, error)
    }
  }

  /** Answers several subscribes, which begin together: what they have missed is merged. */
  subscribeAll(connection: Connection, requests: readonly SubscribeRequest[]): void {
    connection.isWriting = true
    for (const request of requests) this.subscribe(connection, request)
    connection.isWriting = false
    this.#options.catchUp.advance(connection)
  }

  /** Ends a subscription because its client says so. */
  unsubscribe(connection: Connection, name: string, id: number): void {
    const subscription = connection.subscriptions.get(name)
    if (subscription !== undefined) this.#end(subscription)
    connection.send({ unsubscribed: name, id })
  }

  /** Asks `authorize` again; until it has answered nothing is sent. */
  reauthorize(subscription: Subscription): void {
    const { audience, connection } = subscription
    const { catchUp, fanOut } = this.#options
    if (subscription.audience.match.definition.authorize === undefined) return
    if (!subscription.isAnswered) return void subscription.question++
    // An event stream has one position, which must not pass that of a channel that waits.
    if (connection.transport.kind === 'sse') catchUp.hold(connection)
    else if (subscription.state === 'live') subscription.position = fanOut.reached(subscription)
    audience.hold(subscription)
    this.#ask(subscription, undefined)
  }

  /** Ends a subscription whose right is lost, and tells the client why. */
  revoke(subscription: Subscription, code: string, reason: string): void {
    this.#end(subscription)
    subscription.connection.send({ unsubscribed: subscription.audience.name, code, reason })
    this.#options.catchUp.advance(subscription.connection)
  }

  /** Something up to here is lost: the client reads its state anew, and goes on from here. */
  reset(subscription: Subscription): void {
    const { fanOut } = this.#options
    const { connection, audience } = subscription
    subscription.position = fanOut.position
    if (!subscription.isAnswered) return
    this.#missed(subscription)
    connection.send({ gap: audience.name, position: fanOut.positionText })
  }

  /** Ends all subscriptions of a connection that has ended. */
  endAll(connection: Connection): void {
    this.#options.catchUp.forget(connection)
    for (const subscription of connection.subscriptions.values()) this.#end(subscription)
    this.#options.presences.gone(connection)
  }

  #subscribe(connection: Connection, request: SubscribeRequest): void {
    const { subscribe: name, id } = request
    const { channels, limits, audiences } = this.#options
    const match = channels.match(name)
    if (match === undefined)
      return this.#refuse(connection, id, 'unknown-channel', 'There is no such channel')
    const before = connection.subscriptions.get(name)
    if (before === undefined && connection.subscriptions.size >= limits.channels)
      return this.#refuse(connection, id, 'limit', `A connection may have ${limits.channels} channels`)
    if (isTooLarge(request.presence))
      return this.#refuse(connection, id, 'too-large', `Presence may have ${longestPresence} characters`)
    if (before !== undefined) this.#end(before, request.presence !== undefined)
    const audience = audiences.of(name, match)
    const subscription = new Subscription(connection, audience, id)
    subscription.isPresent = before?.isPresent ?? false
    audience.members.add(subscription)
    connection.subscriptions.set(name, subscription)
    this.#ask(subscription, request)
  }

  #ask(subscription: Subscription, request: SubscribeRequest | undefined): void {
    const { client } = subscription.connection
    const { name, match } = subscription.audience
    const question = ++subscription.question
    subscription.state = 'asking'
    const verdict = this.#options.authorizer.ask(client, name, match)
    if (typeof verdict === 'string') return this.#answered(subscription, request, verdict)
    const answered = (late: Verdict): void => {
      if (subscription.state !== 'asking') return
      if (subscription.question === question) this.#answered(subscription, request, late)
      else if (!subscription.isAnswered) this.#ask(subscription, request)
    }
    const again = request ?? { subscribe: name, id: subscription.id }
    verdict.then(answered).catch((error) => this.#fail(subscription.connection, again, error))
  }

  #answered(subscription: Subscription, request: SubscribeRequest | undefined, verdict: Verdict): void {
    const { connection } = subscription
    if (verdict !== 'yes') return this.#deny(subscription, verdict)
    subscription.state = 'behind'
    if (request !== undefined) this.#begin(subscription, request)
    this.#options.catchUp.advance(connection)
  }

  #deny(subscription: Subscription, verdict: 'no' | 'failed'): void {
    const { connection, id } = subscription
    const [code, reason] =
      verdict === 'no'
        ? (['forbidden', 'This channel is not for you'] as const)
        : (['failed', 'The right could not be checked'] as const)
    if (subscription.isAnswered) return this.revoke(subscription, code, reason)
    this.#end(subscription)
    this.#refuse(connection, id, code, reason)
    this.#options.catchUp.advance(connection)
  }

  #begin(subscription: Subscription, { from, presence }: SubscribeRequest): void {
    const options = this.#options
    const { connection, audience, id } = subscription
    const offset = from === undefined ? beginningOf(audience, options) : resumeFrom(audience, from, options)
    subscription.position = offset ?? beginningOf(audience, options)
    const position = formatPosition({ epoch: options.fanOut.epoch, offset: subscription.position })
    subscription.isAnswered = true
    connection.send({
      subscribed: audience.name,
      id,
      position,
      recovered: offset !== undefined,
    })
    tellSubscribed(subscription, offset !== undefined)
    if (offset === undefined) this.#missed(subscription)
    if (presence !== undefined) options.presences.join(subscription, presence)
    callHook(subscription, 'onSubscribe', options)
  }

  /** Something is lost to a client for good. */
  #missed(subscription: Subscription): void {
    this.#options.counters.gaps++
    tellGap(subscription)
  }

  /** @param staysPresent It is followed by another one of the same channel, in which the client is present too. */
  #end(subscription: Subscription, staysPresent = false): void {
    if (subscription.state === 'ended') return
    const { audiences, presences } = this.#options
    subscription.state = 'ended'
    audiences.remove(subscription)
    subscription.connection.subscriptions.delete(subscription.audience.name)
    if (!staysPresent) presences.leave(subscription)
    if (subscription.isAnswered) callHook(subscription, 'onUnsubscribe', this.#options)
  }

  /** The log could not be asked, or something of the app's has thrown. */
  #fail(connection: Connection, { subscribe: name, id }: SubscribeRequest, error: unknown): void {
    this.#options.logger.error({ err: error, channel: name }, 'A channel could not be subscribed')
    const reason = 'The channel could not be subscribed'
    const subscription = connection.subscriptions.get(name)
    if (subscription?.isAnswered) return this.revoke(subscription, 'failed', reason)
    if (subscription !== undefined) this.#end(subscription)
    this.#refuse(connection, id, 'failed', reason)
  }

  #refuse(connection: Connection, id: number, code: ProtocolErrorCode, message: string): void {
    this.#options.counters.refused++
    connection.send({ error: { code, message }, id })
  }
}

function isTooLarge(presence: unknown): boolean {
  return presence !== undefined && JSON.stringify(presence).length > longestPresence
}
