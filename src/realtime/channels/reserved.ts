import type { ResolvedRetention } from './retention.ts'

/** The channels of the socket.io adapter begin so; the name of the namespace follows. */
export const socketIoChannel = 'handcar.socket.io'

/** How long packets of socket.io are kept, in milliseconds: no client can come back after longer and find what it missed. */
export const socketIoAge = 3_600_000

/** What is kept of a channel of ours; `undefined` when it is not one that needs something special. */
export function reservedRetention(channel: string): Partial<ResolvedRetention> | undefined {
  return channel.startsWith(socketIoChannel) ? { age: socketIoAge, count: Infinity } : undefined
}
