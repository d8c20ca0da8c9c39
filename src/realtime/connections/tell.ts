import { connectEvent, disconnectEvent, gapEvent, subscribeEvent } from '../events.ts'
import type { Connection } from './connection.ts'
import type { Subscription } from './subscription.ts'

/** Tells whoever listens in this process that a client has come. */
export function tellConnected(connection: Connection): void {
  if (!connectEvent.hasSubscribers) return
  connectEvent.publish({ ...whoIs(connection), address: connection.client.address })
}

/** Tells that a client has gone. */
export function tellDisconnected(connection: Connection, code: number): void {
  if (disconnectEvent.hasSubscribers) disconnectEvent.publish({ ...whoIs(connection), code })
}

/** Tells that a subscribe was answered. */
export function tellSubscribed({ connection, audience }: Subscription, recovered: boolean): void {
  if (!subscribeEvent.hasSubscribers) return
  subscribeEvent.publish({ ...whoIs(connection), channel: audience.name, recovered })
}

/** Tells that a client has missed something for good. */
export function tellGap({ connection, audience }: Subscription): void {
  if (gapEvent.hasSubscribers) gapEvent.publish({ ...whoIs(connection), channel: audience.name })
}

function whoIs({ id, user, transport }: Connection) {
  return { connection: id, user, transport: transport.kind }
}
