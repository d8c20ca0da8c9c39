import { hasBinary, parse, stringify } from './binary.ts'
import type { BroadcastFlags, BroadcastOptions, Packet, Room, SocketDetails } from './socket-io-types.ts'

/** Who is meant, as JSON. */
export interface Target {
  readonly rooms: readonly Room[]
  readonly except: readonly Room[]
  readonly flags: BroadcastFlags
}

/** What the servers of a namespace say to one another. */
export type Message =
  /** An event for sockets. */
  | { kind: 'event'; target: Target; packet: Packet }
  /** One that each socket is to answer: each server says how many were asked, and then what each of them said. */
  | { kind: 'question'; target: Target; packet: Packet; request: string }
  | { kind: 'counted'; to: string; request: string; count: number }
  | { kind: 'acknowledged'; to: string; request: string; answer: unknown }
  /** What is to become of sockets. */
  | { kind: 'join' | 'leave'; target: Target; rooms: readonly Room[] }
  | { kind: 'disconnect'; target: Target; close: boolean }
  /** Which sockets there are; the answer comes in pieces. */
  | { kind: 'fetch'; target: Target; request: string }
  | { kind: 'sockets'; to: string; request: string; sockets: SocketDetails[]; isLast: boolean }
  /** An event for the servers themselves; with a request each of them answers. */
  | { kind: 'server'; packet: readonly unknown[]; request?: string }
  | { kind: 'answered'; to: string; request: string; answer: unknown }
  /** Something that was too long to be sent, and is in the log. */
  | { kind: 'large'; offset: number }
  /** A client has come back to another server; the one that has it still lets it go. */
  | { kind: 'moved'; sid: string; pid: string }

/** What one server answers to another. */
export type Answer = Extract<Message, { to: string }>

/** A message and the server that it comes from. */
export type Envelope = Message & { readonly from: string }

/** A message as text. */
export function encode(envelope: Envelope): string {
  return hasBinary(envelope) ? `{"binary":${JSON.stringify(stringify(envelope))}}` : JSON.stringify(envelope)
}

/** The message that a text is. */
export function decode(text: string): Envelope {
  const value = JSON.parse(text) as Envelope | { binary: string }
  return 'binary' in value ? (parse(value.binary) as Envelope) : value
}

export function targetOf({ rooms, except, flags }: BroadcastOptions): Target {
  return { rooms: [...rooms], except: [...(except ?? [])], flags: flags ?? {} }
}

export function optionsOf({ rooms, except, flags }: Target): BroadcastOptions {
  return { rooms: new Set(rooms), except: new Set(except), flags }
}
