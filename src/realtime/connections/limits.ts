import { option, readOptions, type Duration, type Size } from '../../core/index.ts'

/** What one process takes from its clients. */
export interface LimitOptions {
  /** Connections at once. Default: 20,000. */
  connections?: number
  /** Connections of one user at once. Default: 100. */
  perUser?: number
  /** Connections from one address at once; 0: any number, as is right behind a proxy. Default: 0. */
  perAddress?: number
  /** Channels of one connection. Default: 128. */
  channels?: number
  /** Size of what a client sends in one message, as JSON. Default: `'64kb'`. */
  messageSize?: Size
  /** Messages per second that a connection may send, over some seconds. Default: 50. */
  sendRate?: number
  /** How long `authenticate` and `authorize` may take. Default: `'10s'`. */
  handshake?: Duration
  /** How long a client may take nothing while something waits for it. Default: `'30s'`. */
  stalled?: Duration
}

/** Limits with their defaults; times in milliseconds, sizes in bytes. */
export type Limits = ReturnType<typeof readLimits>

/** Validates the option `limits`. */
export function readLimits(value: unknown, name: string) {
  return readOptions(name, value, {
    connections: option.integer(20_000, { min: 1, max: 1_000_000 }),
    perUser: option.integer(100, { min: 1, max: 1_000_000 }),
    perAddress: option.integer(0, { min: 0, max: 1_000_000 }),
    channels: option.integer(128, { min: 1, max: 10_000 }),
    messageSize: option.size(65_536),
    sendRate: option.integer(50, { min: 1, max: 1_000_000 }),
    handshake: option.duration(10_000),
    stalled: option.duration(30_000),
  })
}
