/**
 * What this adapter uses of socket.io, by structure: the package is the user's own, of any version 4 that fits. Its classes have private
 * members, so the class that is given goes through with its own type.
 */

/** A room is a text; socket.io lets numbers pass. */
export type Room = string

/** How something is sent. */
export interface BroadcastFlags {
  readonly local?: boolean
  readonly volatile?: boolean
  /** How long clients and servers have for their answers, in milliseconds. */
  readonly timeout?: number
}

/** Who is meant: the sockets in any of the rooms, or all, without those in any of the others. */
export interface BroadcastOptions {
  rooms: Set<Room>
  except?: Set<Room>
  flags?: BroadcastFlags
}

/** A packet of the protocol: an event and its arguments. */
export interface Packet {
  type: number
  data: unknown[]
  /** Only there when the client is asked for an answer. */
  id?: number
}

/** A socket as its own server has it, or as another server tells of it. */
export interface SocketDetails {
  readonly id: string
  readonly handshake: object
  readonly rooms: Iterable<Room>
  data: unknown
}

/** A socket of this server. */
export interface LocalSocket extends SocketDetails {
  /** The secret name of its session; with connection state recovery only. */
  readonly pid?: string
  readonly acks: Map<number, unknown>
  packet: (packet: Packet, options?: object) => void
  disconnect(close?: boolean): unknown
  readonly conn: { close(): void }
}

/** A namespace of this server. */
export interface Namespace {
  readonly name: string
  readonly sockets: ReadonlyMap<string, LocalSocket>
  readonly server: {
    readonly opts: { readonly connectionStateRecovery?: { maxDisconnectionDuration: number } }
  }
  _onServerSideEmit(packet: unknown[]): void
}

/** What a socket leaves behind that may come back. */
export interface LeftSession {
  sid: string
  pid: string
  rooms: Room[]
  data: unknown
}

/** What it gets back, with the arguments of the events that it has missed. */
export interface RestoredSession extends LeftSession {
  missedPackets: unknown[][]
}

/** socket.io's adapter of one server, which is what each server does for its own sockets. */
export interface LocalAdapter {
  sids: Map<string, Set<Room>>
  addAll(id: string, rooms: Set<Room>): Promise<void> | void
  del(id: string, room: Room): Promise<void> | void
  delAll(id: string): void
  broadcast(packet: Packet, options: BroadcastOptions): void
  broadcastWithAck(
    packet: Packet,
    options: BroadcastOptions,
    counted: (count: number) => void,
    answered: (answer: unknown) => void,
  ): void
  addSockets(options: BroadcastOptions, rooms: Room[]): void
  delSockets(options: BroadcastOptions, rooms: Room[]): void
  disconnectSockets(options: BroadcastOptions, close: boolean): void
  fetchSockets(options: BroadcastOptions): Promise<SocketDetails[]>
  serverSideEmit(packet: unknown[]): void
  serverCount(): Promise<number>
  persistSession(session: LeftSession): void
  restoreSession(pid: string, offset: string): Promise<RestoredSession>
  init(): Promise<void> | void
  close(): Promise<void> | void
}

/** `Adapter` of the package `socket.io-adapter`. */
export type AdapterClass = new (namespace: never) => LocalAdapter
