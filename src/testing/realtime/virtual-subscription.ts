import { AssertionError } from 'node:assert'
import { inspect } from 'node:util'
import type { ChannelTypes, PresenceEntry, ServerMessage } from '../../realtime/index.ts'

/** A message that a virtual client has received. */
export type ReceivedMessage<Types extends ChannelTypes> = {
  [Type in keyof Types['messages'] & string]: {
    type: Type
    data: Types['messages'][Type]['output']
    /** Its place in the log; `undefined` for a message that is not stored. */
    offset: number | undefined
  }
}[keyof Types['messages'] & string]

/** How long something is waited for, in milliseconds. */
const patience = 5_000

/** What a virtual client has got from one channel. */
export class VirtualSubscription<Types extends ChannelTypes = ChannelTypes> {
  /** Name of the channel: `room/1`. */
  readonly name: string
  /** All that has come, in order. */
  readonly messages: ReceivedMessage<Types>[] = []
  /** Who is there. */
  present: readonly PresenceEntry[] = []
  /** How often the client was told that it has missed something. */
  gaps = 0
  /** Whether nothing was lost since the position from which it began. */
  recovered = true
  /** Why it has ended: the right is lost, or the connection has gone. */
  ended: { code: string; reason: string } | undefined
  readonly #waiting = new Set<() => void>()
  #taken = 0

  /** @internal */
  constructor(name: string) {
    this.name = name
  }

  /**
   * The next message that this has not returned yet; waits for it.
   *
   * @param type Only one of this type; what comes before it is passed over. Default: any.
   * @throws AssertionError when it does not come within 5 seconds
   */
  async next<Type extends keyof Types['messages'] & string>(
    type?: Type,
  ): Promise<Extract<ReceivedMessage<Types>, { type: Type }>> {
    const find = (): number =>
      this.messages.findIndex((each, index) => index >= this.#taken && (type ?? each.type) === each.type)
    await this.until(() => find() !== -1, type === undefined ? 'a message' : `a message "${type}"`)
    const index = find()
    this.#taken = index + 1
    return this.messages[index] as Extract<ReceivedMessage<Types>, { type: Type }>
  }

  /**
   * Waits until something is true of what has come.
   *
   * @param what Names it in the error.
   * @throws AssertionError when it is not true within 5 seconds
   */
  async until(condition: () => boolean, what = 'what was expected'): Promise<void> {
    const endAt = performance.now() + patience
    while (!condition()) {
      const left = endAt - performance.now()
      if (left <= 0) throw this.#failure(what)
      await this.#somethingComes(left)
    }
  }

  /** @internal */
  receive(message: ServerMessage): void {
    if ('channel' in message) {
      const { type, data, offset } = message
      this.messages.push({ type, data, offset })
    } else if ('subscribed' in message) this.recovered = message.recovered
    else if ('gap' in message) this.gaps++
    else if ('presence' in message) {
      const { present = this.present, joined = [], left = [] } = message
      const changed = new Set([...joined, ...left].map(({ connection }) => connection))
      this.present = [...present.filter(({ connection }) => !changed.has(connection)), ...joined]
    } else if ('unsubscribed' in message)
      this.ended = { code: message.code ?? '', reason: message.reason ?? '' }
    for (const wake of this.#waiting) wake()
  }

  /** @internal */
  end(code: string, reason: string): void {
    this.ended ??= { code, reason }
    for (const wake of this.#waiting) wake()
  }

  async #somethingComes(timeout: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, timeout)
    this.#waiting.add(resolve)
    await promise
    this.#waiting.delete(resolve)
    clearTimeout(timer)
  }

  #failure(what: string): AssertionError {
    const seen = inspect(this.messages, { breakLength: Infinity })
    return new AssertionError({ message: `${what} did not come to ${this.name}. What came: ${seen}` })
  }
}
