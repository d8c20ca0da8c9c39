import {
  openVirtualConnection,
  type ChannelDefinition,
  type ChannelTypes,
  type PositionText,
  type Realtime,
  type RealtimeUser,
  type ServerMessage,
  type VirtualConnection,
} from '../../realtime/index.ts'
import { VirtualSubscription } from './virtual-subscription.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- whoever its users are
type DefinitionOf<Types extends ChannelTypes> = ChannelDefinition<string, Types, any>

/** Who a {@link VirtualClient} is. */
export interface VirtualClientOptions {
  /** What `authenticate` would say. Default: `authenticate` is asked. */
  user?: RealtimeUser
  /** With which it connects. Default: one without cookies. */
  request?: Request
}

interface Question {
  resolve: (message: ServerMessage) => void
  reject: (error: Error) => void
}

/**
 * A client without a network: `authorize`, schemas, handlers, presence and the order of messages are those of production.
 *
 * ```ts
 * const ann = await VirtualClient.connect(realtime, { user: { id: 'ann' } })
 * const live = await ann.subscribe(room, { id: 1 })
 * await ann.send(room, { id: 1 }, 'say', { text: 'Hello' })
 * assert.equal((await live.next('posted')).data.text, 'Hello')
 * ```
 */
export class VirtualClient implements Disposable {
  /** How the connection has ended; `undefined` while it has not. */
  closed: { code: number; reason: string } | undefined
  readonly #realtime: Realtime
  readonly #subscriptions = new Map<string, VirtualSubscription>()
  readonly #questions = new Map<number, Question>()
  #connection: VirtualConnection | undefined
  #lastId = 0

  private constructor(realtime: Realtime) {
    this.#realtime = realtime
  }

  /**
   * Connects with realtime that is started in this process.
   *
   * @throws StateError `HANDCAR_NOT_STARTED`; Error when `authenticate` refuses
   */
  static async connect(realtime: Realtime, options: VirtualClientOptions = {}): Promise<VirtualClient> {
    const client = new VirtualClient(realtime)
    const { user, request = new Request(`http://localhost${realtime.path}`) } = options
    client.#connection = await openVirtualConnection(realtime, {
      user,
      request,
      onMessage: (message) => client.#receive(message),
      onClose: (code, reason) => client.#end(code, reason),
    })
    return client
  }

  /**
   * Listens to a channel; resolves when the server has answered.
   *
   * @throws Error with the `code` of the refusal, such as `'forbidden'`
   */
  async subscribe<Types extends ChannelTypes>(
    definition: DefinitionOf<Types>,
    params: Types['params']['input'],
    options: { from?: PositionText; presence?: unknown } = {},
  ): Promise<VirtualSubscription<Types>> {
    const { name } = this.#realtime.channel(definition, params)
    // Without a position it begins where the process is, which a test wants to be where the log is.
    if (options.from === undefined) await this.settled()
    const subscription = new VirtualSubscription(name)
    this.#subscriptions.set(name, subscription)
    await this.#ask((id) => ({ subscribe: name, id, ...options }))
    return subscription as unknown as VirtualSubscription<Types>
  }

  /** Listens no longer. */
  async unsubscribe({ name }: Pick<VirtualSubscription, 'name'>): Promise<void> {
    await this.#ask((id) => ({ unsubscribe: name, id }))
    this.#subscriptions.delete(name)
  }

  /**
   * Sends a message to a channel; resolves with what its `onMessage` has returned.
   *
   * @param key Of a message that may be sent again: it is handled once. Default: none.
   * @throws Error with the `code` of the refusal, such as `'invalid'`
   */
  async send<Types extends ChannelTypes, Type extends keyof Types['send'] & string>(
    definition: DefinitionOf<Types>,
    params: Types['params']['input'],
    type: Type,
    data: Types['send'][Type]['input'],
    key?: string,
  ): Promise<Types['send'][Type]['result']> {
    const { name } = this.#realtime.channel(definition, params)
    const answer = await this.#ask((id) => ({
      send: name,
      type,
      data,
      id,
      ...(key !== undefined && { key }),
    }))
    return 'ack' in answer ? answer.result : undefined
  }

  /** Resolves when everything that is committed was delivered to the clients of this process: for what must not come. */
  async settled(): Promise<void> {
    await this.#connection?.settled()
  }

  /** Goes, without a word. */
  close(): void {
    this.#connection?.close()
    this.#end(1000, '')
  }

  /** `using client = …` closes it at the end of the block. */
  [Symbol.dispose](): void {
    this.close()
  }

  #ask(make: (id: number) => Parameters<VirtualConnection['say']>[0]): Promise<ServerMessage> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      if (this.closed !== undefined) return reject(errorOf('closed', 'The connection has ended'))
      this.#questions.set(id, { resolve, reject })
      this.#connection!.say(make(id))
    })
  }

  #receive(message: ServerMessage): void {
    const name = nameIn(message)
    if (name !== undefined) this.#subscriptions.get(name)?.receive(message)
    const id = 'ack' in message ? message.ack : 'id' in message ? message.id : undefined
    const question = id === undefined ? undefined : this.#questions.get(id)
    if (question === undefined) return
    this.#questions.delete(id!)
    if ('error' in message) question.reject(errorOf(message.error.code, message.error.message))
    else question.resolve(message)
  }

  #end(code: number, reason: string): void {
    if (this.closed !== undefined) return
    this.closed = { code, reason }
    for (const { reject } of this.#questions.values()) reject(errorOf('closed', reason))
    for (const subscription of this.#subscriptions.values()) subscription.end('closed', reason)
  }
}

function nameIn(message: ServerMessage): string | undefined {
  if ('channel' in message) return message.channel
  if ('subscribed' in message) return message.subscribed
  if ('gap' in message) return message.gap
  if ('presence' in message) return message.presence
  return 'unsubscribed' in message ? message.unsubscribed : undefined
}

function errorOf(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
