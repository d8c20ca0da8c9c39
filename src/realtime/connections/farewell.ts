import { setImmediate as nextTurn } from 'node:timers/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { closeCodes } from '../protocol.ts'
import type { Connection } from './connection.ts'

/** So many are told to go in one turn of the event loop. */
const perTurn = 200
/** For each connection so much longer until the last one comes back, in milliseconds, but never longer than `longestSpread`. */
const spreadPerConnection = 3
const longestSpread = 3_000

/**
 * Empties the process: each client is told when to come back, its messages that are being handled are answered, then it is closed.
 *
 * The first come back at once, the last after 3 ms for each connection, at most 3 s: a new process that is found by all at the same
 * moment would answer nobody in time. The order is that of a shuffle, so that nobody is always the last.
 *
 * @param timeout In milliseconds; then what is left is cut off.
 * @param close Ends a connection in order.
 */
export async function sendAway(
  connections: ReadonlySet<Connection>,
  timeout: number,
  close: (connection: Connection, code: number, reason: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeout
  const leaving = shuffle([...connections])
  for (const [index, connection] of leaving.entries()) {
    sayGoodbye(connection, waitOf(index, leaving.length), 'The server restarts')
    if (index % perTurn === perTurn - 1) await nextTurn()
  }
  for (const [index, connection] of leaving.entries()) {
    if (index % perTurn === perTurn - 1) await nextTurn()
    while (connection.handling > 0 && connection.isOpen && performance.now() < deadline) await sleep(5)
    close(connection, closeCodes.restart, 'The server restarts')
  }
  while (connections.size > 0 && performance.now() < deadline) await sleep(5)
  for (const { transport } of connections) transport.destroy()
}

/** Sends a client away, which may come back after `wait` milliseconds and is authenticated anew then. */
export type Dismiss = (connection: Connection, reason: string, wait: number) => void

/** Sends clients away at once, who come back one after the other. */
export function dismissAll(connections: Iterable<Connection>, reason: string, dismiss: Dismiss): void {
  const leaving = shuffle([...connections])
  for (const [index, connection] of leaving.entries())
    dismiss(connection, reason, waitOf(index, leaving.length))
}

function waitOf(index: number, count: number): number {
  return Math.round((index / count) * Math.min(longestSpread, count * spreadPerConnection))
}

/** Tells a client when to come back; from now on its messages are refused, as ones to send again. */
export function sayGoodbye(connection: Connection, wait: number, reason: string): void {
  if (connection.isLeaving) return
  connection.send({ bye: { in: wait, reason } })
  connection.isLeaving = true
  connection.comesBackIn = wait
}

function shuffle<Item>(items: Item[]): Item[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1))
    ;[items[index], items[other]] = [items[other]!, items[index]!]
  }
  return items
}
