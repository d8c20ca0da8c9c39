import type { Bus, BusListener } from './bus.ts'
import { Held } from './held.ts'
import { encode, type Envelope, type Message } from './message.ts'
import { Order } from './order.ts'

/** The type of messages of the log that are read when the relay says so. */
export const largeType = 'large'

/** What a voice needs. */
export interface VoiceOptions {
  readonly bus: Bus
  readonly channel: string
  /** Whose it is. */
  readonly listener: BusListener & { readonly id: string }
  /** Whether what can be stored is stored. */
  readonly isStoring: boolean
  /** The offset up to which this server has delivered. */
  readonly delivered: () => number
  /** Does in this server what a message says. */
  readonly handle: (envelope: Envelope) => void
}

/**
 * How one server tells the others what to do.
 *
 * - *stored*, with connection state recovery: a row of the log, which every server, this one too, obeys when its feed brings it: everywhere in
 *   the same order, after the commit, or never. In a transaction it is part of it.
 * - *sent*: done here at once, by the others when the relay brings it, at most once. What is too long for the relay is stored, and the relay
 *   says where.
 *
 * What is sent after something that was stored says so, and waits there until that was done (`order.ts`, `held.ts`): what one server says is
 * done in that order. Only something stored may overtake what was sent just before it.
 */
export class Voice {
  readonly #options: VoiceOptions
  readonly #order = new Order()
  readonly #held: Held

  constructor(options: VoiceOptions) {
    this.#options = options
    this.#held = new Held(options.delivered)
  }

  /** Tells all servers, this one too. */
  tell(message: Message, isStorable = true): void {
    if (isStorable && this.#options.isStoring) this.#store(message.kind, this.encode(message))
    else this.send(message, () => this.#options.handle({ ...message, from: this.#id }))
  }

  /** Tells the other servers, and does something here. */
  send(message: Message, here?: () => void): void {
    const { bus, channel } = this.#options
    const text = this.encode(message)
    // The offset that is put before it has room enough.
    if (!bus.fits(channel, `${Number.MAX_SAFE_INTEGER}\n${text}`)) return this.sendLarge(text, here)
    this.#run((after) => this.#send(after, text), here)
  }

  /** The same with a text of any length. */
  sendLarge(text: string, here?: () => void): void {
    const { bus, channel } = this.#options
    const written = bus.enter(() => bus.log.publish(channel, largeType, text))
    written.catch((error: unknown) =>
      bus.failed('something large could not be stored, and was not sent', error),
    )
    let offset: number | undefined
    this.#order.storing(written.then((known) => (offset = known)))
    this.#run((after) => {
      if (offset !== undefined) this.#send(after, this.encode({ kind: 'large', offset }))
    }, here)
  }

  /** Does something in this server alone, after what was stored before. */
  here(work: () => void): void {
    this.#run(() => {}, work)
  }

  /** Does something when everything up to an offset was delivered here. */
  after(offset: number, work: () => void): void {
    this.#held.run(offset, work)
  }

  /** Does what waited for what has been delivered now. */
  release(): void {
    this.#held.release()
  }

  /** The log has begun anew: nothing waits any more. */
  restart(): void {
    this.#order.reset()
    this.#held.release(Infinity)
  }

  encode(message: Message): string {
    return encode({ ...message, from: this.#id })
  }

  get #id(): string {
    return this.#options.listener.id
  }

  #run(tell: (after: number) => void, here?: () => void): void {
    this.#order.run((after) => {
      tell(after)
      if (here !== undefined) this.#held.run(after, here)
    })
  }

  #send(after: number, text: string): void {
    const { bus, channel, listener } = this.#options
    bus.send(channel, `${after}\n${text}`, listener)
  }

  #store(kind: string, text: string): void {
    const { bus, channel } = this.#options
    const isAlone = bus.database.transaction === undefined
    const written = bus.log.publish(channel, kind, text)
    written.catch((error: unknown) =>
      bus.failed(`something was not sent (${kind}), because it could not be stored`, error),
    )
    // In a transaction nobody knows yet whether it will be there.
    if (isAlone) this.#order.storing(written)
  }
}
