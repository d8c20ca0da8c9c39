import { describeIssues, writeJson, type Logger } from '../../core/index.ts'
import type { Database, Transaction } from '../../database/index.ts'
import type { MatchedChannel } from '../channels/channels.ts'
import type { SendDefinition } from '../channels/define-channel.ts'
import type { AckMessage, ErrorMessage, ProtocolErrorCode, SendRequest } from '../protocol.ts'
import type { Authorizer } from './authorizer.ts'
import type { Client } from './connection.ts'
import type { Counters } from './counters.ts'
import type { ConnectionsOptions } from './needs.ts'
import type { Receipts } from './receipts.ts'

/** Who sends. */
export interface Sender {
  readonly client: Client
  /** Id of the connection; `undefined` for a message by POST. */
  readonly connection: string | undefined
}

/** What messages of clients are handled with. */
export interface SendsOptions extends Pick<
  ConnectionsOptions,
  'channels' | 'limits' | 'realtime' | 'publish'
> {
  readonly database: Database
  readonly authorizer: Authorizer
  readonly receipts: Receipts
  readonly counters: Counters
  readonly logger: Logger
}

/** A message that may be handled. */
interface Prepared {
  readonly match: MatchedChannel
  readonly data: unknown
}

/** Why a message is refused; nothing of what is inside the server is told. */
class Refusal extends Error {
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * Handles messages of clients: the right is asked for, the data checked, then the channel's `onMessage` runs and its result is the
 * answer.
 */
export class Sends {
  readonly #options: SendsOptions

  constructor(options: SendsOptions) {
    this.#options = options
  }

  /**
   * Checks a message and begins to handle it. Resolves when that has begun, which keeps the order of the messages of a client for
   * handlers that write; `answer` then resolves with what the client is told.
   */
  async begin(sender: Sender, request: SendRequest): Promise<{ answer: Promise<AckMessage | ErrorMessage> }> {
    try {
      const prepared = await this.#prepare(sender, request)
      return {
        answer: this.#handle(sender, request, prepared).catch((error) => this.#refuse(request, error)),
      }
    } catch (error) {
      return { answer: Promise.resolve(this.#refuse(request, error)) }
    }
  }

  async #prepare({ client }: Sender, { send: name, type, data }: SendRequest): Promise<Prepared> {
    const { channels, authorizer } = this.#options
    const match = channels.match(name)
    if (match === undefined) throw new Refusal('unknown-channel', 'There is no such channel')
    const definition = match.definition.send.get(type)
    if (definition === undefined) throw new Refusal('unknown-type', 'The channel takes no such message')
    const verdict = await authorizer.ask(client, name, match)
    if (verdict === 'no') throw new Refusal('forbidden', 'This channel is not for you')
    if (verdict === 'failed') throw new Refusal('failed', 'The right could not be checked')
    return { match, data: await validate(definition, data) }
  }

  async #handle(sender: Sender, request: SendRequest, { match, data }: Prepared): Promise<AckMessage> {
    const { receipts, counters } = this.#options
    const { definition } = match
    const handle = async (tx: Transaction | undefined): Promise<string> =>
      resultOf(definition.send.get(request.type)!, await this.#call(sender, request, match, data, tx))
    // A key is its user's own: nobody can ask for the answer of somebody else.
    const key = request.key && JSON.stringify([String(sender.client.user?.id ?? ''), request.key])
    const { result, isRepeated } = definition.transactional
      ? await receipts.inTransaction(key, handle)
      : await receipts.inMemory(key, () => handle(undefined))
    if (isRepeated) counters.repeated++
    else counters.received++
    return { ack: request.id, ...(result !== 'null' && { result: JSON.parse(result) as unknown }) }
  }

  #call(
    { client, connection }: Sender,
    { send: channel, type }: SendRequest,
    { definition, params }: MatchedChannel,
    data: unknown,
    tx: Transaction | undefined,
  ): unknown {
    const { database, realtime } = this.#options
    return definition.onMessage!({
      user: client.user,
      params,
      channel,
      database,
      realtime,
      type,
      data,
      connection,
      tx,
      publish: (messageType, message) => this.#options.publish(channel, messageType, message),
    })
  }

  #refuse({ send: channel, type, id }: SendRequest, error: unknown): ErrorMessage {
    this.#options.counters.refused++
    if (error instanceof Refusal) return { error: { code: error.code, message: error.message }, id }
    this.#options.logger.error({ err: error, channel, type }, 'A message of a client could not be handled')
    return { error: { code: 'failed', message: 'The message could not be handled' }, id }
  }
}

async function validate({ schema }: SendDefinition, data: unknown): Promise<unknown> {
  const result = await schema['~standard'].validate(data)
  if (result.issues !== undefined) throw new Refusal('invalid', describeIssues(result.issues))
  return result.value
}

/** The answer of a handler as JSON. */
async function resultOf({ result: schema }: SendDefinition, value: unknown): Promise<string> {
  let result = value
  if (schema !== undefined) {
    // An await, even of nothing, is allowed within a transaction.
    const checked = await schema['~standard'].validate(value)
    if (checked.issues !== undefined)
      throw new TypeError(
        `onMessage() returned another result than its schema says: ${describeIssues(checked.issues)}`,
      )
    result = checked.value
  }
  const written = writeJson(result)
  if (written.problem !== undefined)
    throw new TypeError(`onMessage() returned a result that is ${written.problem}`)
  return written.text
}
