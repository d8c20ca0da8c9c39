import { randomUUID } from 'node:crypto'
import type { RealtimeUser } from '../channels/channel-types.ts'
import type { ServerMessage } from '../protocol.ts'
import { Allowance } from './allowance.ts'
import { Packet } from './packet.ts'
import type { Subscription } from './subscription.ts'
import type { Transport } from './transport.ts'

/** Shared by all connections that have sent nothing. */
const done = Promise.resolve()

/** Who is connected, as the handshake found out. */
export interface Client {
  readonly user: RealtimeUser | undefined
  readonly address: string
  /** Makes the request anew with which the connection began: to keep one costs several kilobytes. */
  readonly request: () => Request
}

/** One client with its subscriptions, whatever carries its messages. */
export class Connection {
  readonly id: string = randomUUID()
  readonly client: Client
  readonly transport: Transport
  readonly subscriptions = new Map<string, Subscription>()
  isOpen = true
  /** Whether it is told to go: it gets no more answers. */
  isLeaving = false
  /** Whether it is ended for what it has sent: nothing more of it counts. */
  isRefused = false
  /** When it was told to come back, in milliseconds after that. */
  comesBackIn = 0
  /** Whether a piece of a catch-up is on its way to the client. */
  isWriting = false
  /** The slice in which it was corked last. */
  slice = 0
  /** Whether it is not listened to for now. */
  isPaused = false
  /** When something came from the client last, by `elapsed`. */
  heardAt: number
  /** When it was found to take nothing first; 0: it takes what it gets. */
  stalledAt = 0
  /** The progress of its transport at that time. */
  progress = 0
  /** What is left of the messages that it may send. */
  readonly sends = new Allowance()
  /** What is left of what else it may ask for. */
  readonly requests = new Allowance()
  /** Whether it was present anywhere when it ended. */
  wasPresent = false
  /** Until this the message before has not begun to be handled. */
  lastSend: Promise<void> = done
  /** Messages of the client that are being handled. */
  handling = 0

  constructor(client: Client, transport: Transport, now: number) {
    this.client = client
    this.transport = transport
    this.heardAt = now
  }

  /** Id of the user as text; `undefined` for somebody who is not known. */
  get user(): string | undefined {
    const { user } = this.client
    return user === undefined ? undefined : String(user.id)
  }

  /**
   * Says something to this client alone.
   *
   * @param id Of its event, in an event stream.
   */
  send(message: ServerMessage, id?: string): void {
    if (this.isOpen) this.transport.write(Packet.of(message, id))
  }
}
