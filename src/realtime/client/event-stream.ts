import type { AckMessage, ErrorMessage } from '../protocol.ts'
import type { SendRequest, ServerMessage, SubscribeRequest } from '../protocol.ts'
import { onceATurn } from './once-a-turn.ts'
import { readEvents } from './read-events.ts'
import type { OpenTransport } from './transport.ts'

/**
 * The event stream, for where no WebSocket comes through, behind the same face.
 *
 * It is read with `fetch` and not by an `EventSource`: Node has none, it cannot send headers nor tell a refusal from a network that
 * is down, and it comes back by itself, at a time and with channels that are not ours.
 *
 * The channels of a stream are in its address, each with its position: all subscribes and unsubscribes of a turn make one new stream.
 *
 * Messages to the server are POSTed one after the other, which keeps their order. Whatever fails ends the whole, as if it were one
 * connection.
 */
export const openEventStream: OpenTransport = ({ url, headers }, tell) => {
  const channels = new Map<string, SubscribeRequest>()
  const ended = new AbortController()
  let stream = ended
  let posts = Promise.resolve()

  const read = async (): Promise<void> => {
    if (stream !== ended) stream.abort()
    if (channels.size === 0) return
    const { signal } = (stream = new AbortController())
    const address = new URL(url)
    const query = address.searchParams
    for (const { subscribe, from = '', presence } of channels.values()) {
      query.append('channel', subscribe)
      query.append('from', from)
      if (presence !== undefined) query.set('presence', JSON.stringify(presence))
    }
    const receive = (message: ServerMessage): void => {
      if (signal.aborted) return
      if ('subscribed' in message) message.id = channels.get(message.subscribed)!.id
      tell(message)
    }
    let status: number | undefined
    try {
      const response = await fetch(address, {
        headers: { ...headers, accept: 'text/event-stream' },
        signal: AbortSignal.any([signal, ended.signal]),
      })
      status = response.status
      if (response.ok) await readEvents(response.body!, (data) => receive(JSON.parse(data) as ServerMessage))
    } catch {
      // The network, or ended from here.
    }
    if (!signal.aborted) tell({ closed: status })
  }
  const renew = onceATurn(read)
  const post = async (message: SendRequest): Promise<void> => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: JSON.stringify(message),
        headers: { ...headers, 'content-type': 'application/json' },
        signal: ended.signal,
      })
      const answer = (await response.json()) as AckMessage | ErrorMessage
      // "stopping" from another process than that of the stream: the stream would never end by itself.
      if ('ack' in answer || answer.error.code !== 'stopping') return tell({ ...answer, id: message.id })
    } catch {
      // No answer, or one that is not the server's: a proxy's page.
    }
    tell({ closed: undefined })
  }

  queueMicrotask(() => tell({ opened: true }))
  return {
    close: () => ended.abort(),
    send(message) {
      if ('send' in message) posts = posts.then(() => post(message))
      else {
        if ('subscribe' in message) channels.set(message.subscribe, message)
        else if ('unsubscribe' in message) channels.delete(message.unsubscribe)
        // A ping has the answer that counts from a new stream.
        renew()
      }
    },
  }
}
