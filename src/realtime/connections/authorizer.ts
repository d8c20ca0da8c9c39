import type { Database } from '../../database/index.ts'
import { setDelay, type Clock, type Logger } from '../../core/index.ts'
import type { MatchedChannel } from '../channels/channels.ts'
import type { Realtime } from '../realtime.ts'
import type { Client } from './connection.ts'

/** What `authorize` said; `failed` when it threw, or did not answer in time. */
export type Verdict = 'yes' | 'no' | 'failed'

/** What asks `authorize`. */
export interface AuthorizerOptions {
  readonly database: Database
  readonly realtime: Realtime
  readonly clock: Clock
  readonly logger: Logger
  /** How long it may take, in milliseconds. */
  readonly timeout: number
}

/** Asks the `authorize` of channels. A failure is a no. */
export class Authorizer {
  readonly #options: AuthorizerOptions

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** Asks whether a client may listen to a channel and send to it; the answer of a synchronous `authorize` comes at once. */
  ask(client: Client, channel: string, { definition, params }: MatchedChannel): Verdict | Promise<Verdict> {
    if (definition.authorize === undefined) return 'yes'
    const { database, realtime } = this.#options
    try {
      const answer: unknown = definition.authorize({
        user: client.user,
        params,
        channel,
        database,
        realtime,
        get request() {
          return client.request()
        },
      })
      return answer instanceof Promise ? this.#wait(answer, channel) : verdictOf(answer)
    } catch (error) {
      return this.#fail(error, channel)
    }
  }

  async #wait(answer: Promise<unknown>, channel: string): Promise<Verdict> {
    const { clock, timeout } = this.#options
    const late = Promise.withResolvers<never>()
    const fail = () => late.reject(new Error(`authorize() did not answer within ${timeout} ms`))
    const end = setDelay(clock, fail, timeout)
    try {
      return verdictOf(await Promise.race([answer, late.promise]))
    } catch (error) {
      return this.#fail(error, channel)
    } finally {
      end()
    }
  }

  #fail(error: unknown, channel: string): Verdict {
    this.#options.logger.error({ err: error, channel }, 'The authorize() of a channel failed')
    return 'failed'
  }
}

/** Only `true` is a yes: who forgets to return something lets nobody in. */
function verdictOf(answer: unknown): Verdict {
  return answer === true ? 'yes' : 'no'
}
