import type { ClientMessage } from '../protocol.ts'

/** Reads what a client has sent; `undefined` when it is no message of the protocol. */
export function parseMessage(text: string): ClientMessage | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  return isClientMessage(value) ? value : undefined
}

/** Each message has one of them, by which it is known what it is. */
const verbs = ['subscribe', 'unsubscribe', 'send', 'ping']

function isClientMessage(message: object): message is ClientMessage {
  if (verbs.filter((verb) => Object.hasOwn(message, verb)).length !== 1) return false
  const { subscribe, unsubscribe, send, ping, id, from, type, key } = message as Record<string, unknown>
  if (ping !== undefined) return isNumber(ping)
  if (!isNumber(id)) return false
  if (subscribe !== undefined) return isText(subscribe) && (from === undefined || isText(from))
  if (unsubscribe !== undefined) return isText(unsubscribe)
  return isText(send) && isText(type) && (key === undefined || (isText(key) && key.length <= longestKey))
}

/** A UUID has 36 characters. */
const longestKey = 100

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
