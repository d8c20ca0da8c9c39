import { option, readOptions, type Duration } from '../../../core/index.ts'
import { Realtime } from '../../realtime.ts'
import { socketIoAge } from '../../channels/reserved.ts'
import { Bus } from './bus.ts'
import { targetOf } from './message.ts'
import { Member } from './member.ts'
import type {
  AdapterClass,
  BroadcastOptions,
  LeftSession,
  Namespace,
  Packet,
  RestoredSession,
  Room,
  SocketDetails,
} from './socket-io-types.ts'

/** Options of {@link createAdapter}. */
export interface SocketIoAdapterOptions<Base extends AdapterClass = AdapterClass> {
  /** Started, with its relay; the same database in all processes. */
  realtime: Realtime
  /** The class `Adapter` of the package socket.io-adapter, of the version that your socket.io comes with. */
  Adapter: Base
  /** How long other servers have to answer `fetchSockets` and `serverSideEmit`. Default: `'5s'`. */
  requestTimeout?: Duration
}

const readers = {
  realtime: option.matching('a Realtime', (value): value is Realtime => value instanceof Realtime),
  Adapter: option.matching(
    'the class Adapter of socket.io-adapter',
    (value): value is AdapterClass =>
      typeof value === 'function' && 'broadcastWithAck' in (value.prototype as object),
  ),
  requestTimeout: option.duration(5_000),
}

/**
 * Makes servers of socket.io in several processes one, through the app's own file and its relay: rooms, broadcasts, acknowledgements,
 * `fetchSockets`, `serverSideEmit` and connection state recovery, without a server beside the app.
 *
 * ```ts
 * await realtime.start()
 * const io = new Server(http, { adapter: createAdapter({ realtime, Adapter }), connectionStateRecovery: {} })
 * ```
 *
 * The class that it extends is given, because it has to be that of the socket.io that is used: what a server does for its own sockets stays
 * socket.io's business, and handcar needs none of its packages.
 *
 * Close the servers before Realtime: `await io.close()`, then `await realtime.stop()`.
 *
 * @throws OptionsError
 * @throws StateError `HANDCAR_NOT_STARTED`, when a server is made before Realtime is started
 */
export function createAdapter<Base extends AdapterClass>(options: SocketIoAdapterOptions<Base>): Base {
  const { realtime, Adapter, requestTimeout } = readOptions('createAdapter', options, readers)

  class HandcarAdapter extends Adapter {
    readonly #member: Member

    constructor(namespace: never) {
      super(namespace)
      this.#member = this.#join(namespace)
    }

    override init(): Promise<void> {
      return this.#member.open()
    }

    override close(): Promise<void> {
      return this.#member.close()
    }

    override async serverCount(): Promise<number> {
      return 1 + this.#member.others().length
    }

    override addAll(id: string, rooms: Set<Room>): Promise<void> | void {
      void super.addAll(id, rooms)
      return this.#member.recovery?.joined(id, rooms)
    }

    override del(id: string, room: Room): Promise<void> | void {
      void super.del(id, room)
      return this.#member.recovery?.left(id, room)
    }

    override delAll(id: string): void {
      super.delAll(id)
      this.#member.recovery?.ended(id)
    }

    override broadcast(packet: Packet, options: BroadcastOptions): void {
      this.#member.broadcast(packet, options)
    }

    override broadcastWithAck(
      packet: Packet,
      options: BroadcastOptions,
      counted: (count: number) => void,
      answered: (answer: unknown) => void,
    ): void {
      this.#member.broadcastWithAck(packet, options, counted, answered)
    }

    override addSockets(options: BroadcastOptions, rooms: Room[]): void {
      this.#member.command({ kind: 'join', target: targetOf(options), rooms })
    }

    override delSockets(options: BroadcastOptions, rooms: Room[]): void {
      this.#member.command({ kind: 'leave', target: targetOf(options), rooms })
    }

    override disconnectSockets(options: BroadcastOptions, close = false): void {
      this.#member.command({ kind: 'disconnect', target: targetOf(options), close })
    }

    override fetchSockets(options: BroadcastOptions): Promise<SocketDetails[]> {
      return this.#member.fetchSockets(options)
    }

    override serverSideEmit(packet: unknown[]): void {
      this.#member.serverSideEmit(packet)
    }

    override persistSession(session: LeftSession): void {
      this.#member.recovery?.disconnected(session)
    }

    override async restoreSession(pid: string, offset: string): Promise<RestoredSession> {
      // socket.io takes nothing for "not recovered", though its type does not say so.
      return (await this.#member.recovery?.restore(pid, offset)) as RestoredSession
    }

    #join(namespace: Namespace): Member {
      checkRecovery(namespace)
      return new Member({
        bus: Bus.of(realtime),
        channel: Bus.channelOf(namespace.name),
        namespace,
        requestTimeout,
        local: {
          sids: this.sids,
          broadcast: (packet, options) => super.broadcast(packet, options),
          broadcastWithAck: (...given) => super.broadcastWithAck(...given),
          addSockets: (options, rooms) => super.addSockets(options, rooms),
          delSockets: (options, rooms) => super.delSockets(options, rooms),
          disconnectSockets: (options, close) => super.disconnectSockets(options, close),
          fetchSockets: (options) => super.fetchSockets(options),
        },
      })
    }
  }

  return HandcarAdapter as unknown as Base
}

function checkRecovery({ server }: Namespace): void {
  const longest = server.opts.connectionStateRecovery?.maxDisconnectionDuration
  if (longest !== undefined && longest > socketIoAge)
    throw option.invalidOption(
      'connectionStateRecovery.maxDisconnectionDuration',
      `at most ${socketIoAge} ms`,
      longest,
    )
}
