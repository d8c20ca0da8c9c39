import { randomBytes } from 'node:crypto'
import type { System } from './server.ts'

/** How clients speak; `handcar event stream` is the other transport of handcar. */
export type DialectName = 'handcar' | 'handcar event stream' | 'socket.io' | 'ws' | 'event stream'

/** What a client of a system says and expects; it understands no more than the benchmark needs. */
export interface Dialect {
  readonly isWebSocket: boolean
  /** Head of the request that opens the connection. */
  request(port: number, channels: readonly string[], from: string | undefined): string
  /** What is sent first. */
  greet?(channels: readonly string[]): readonly string[]
  /** Whether an event stream, from its beginning, says that it is subscribed to so many channels. */
  isReady?(text: string, channels: number): boolean
  /** Answers a text of the server that is no message. Returns what to send, and how many channels it says to be subscribed. */
  react?(text: string, channels: readonly string[], from: string | undefined): Reaction
}

/** What a text of the server leads to. */
interface Reaction {
  readonly say?: readonly string[]
  readonly subscribed?: number
  /** What has gone wrong. */
  readonly failure?: string
}

/** The dialect of a client of a system. */
export function dialectOf(system: System): DialectName {
  if (system.startsWith('handcar')) return 'handcar'
  if (system.startsWith('ws')) return 'ws'
  return system === 'socket.io + Redis' ? 'socket.io' : 'event stream'
}

const nothing: Reaction = {}
const isSubscribed: Reaction = { subscribed: 1 }

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  handcar: {
    isWebSocket: true,
    request: (port) => upgrade(port, '/realtime', 'sec-websocket-protocol: handcar.v1\r\n'),
    react(text, channels, from) {
      if (text.startsWith('{"welcome"'))
        return { say: channels.map((subscribe, id) => JSON.stringify({ subscribe, id, from })) }
      if (text.startsWith('{"subscribed"'))
        return text.includes('"recovered":true') ? isSubscribed : { failure: text }
      return text.startsWith('{"position"') ? nothing : { failure: text }
    },
  },
  'socket.io': {
    isWebSocket: true,
    request: (port) => upgrade(port, '/socket.io/?EIO=4&transport=websocket'),
    react(text, channels) {
      if (text.startsWith('0')) return { say: ['40'] }
      if (text.startsWith('40'))
        return { say: channels.map((channel) => `42${JSON.stringify(['subscribe', channel])}`) }
      if (text === '2') return { say: ['3'] }
      return text.startsWith('42["subscribed"') ? isSubscribed : { failure: text }
    },
  },
  ws: {
    isWebSocket: true,
    request: (port) => upgrade(port, '/'),
    greet: (channels) => channels.map((subscribe) => JSON.stringify({ subscribe })),
    react(text) {
      return text.startsWith('{"subscribed"') ? isSubscribed : { failure: text }
    },
  },
  'event stream': {
    isWebSocket: false,
    request: stream('/'),
    isReady: (text) => text.includes(': welcome'),
  },
  'handcar event stream': {
    isWebSocket: false,
    request: stream('/realtime'),
    isReady: (text, channels) => text.split('"recovered":true').length > channels,
  },
}

function upgrade(port: number, path: string, more = ''): string {
  const key = randomBytes(16).toString('base64')
  return `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n${more}\r\n`
}

function stream(path: string): Dialect['request'] {
  return (port, channels, from) => {
    const search = new URLSearchParams(channels.map((channel): [string, string] => ['channel', channel]))
    if (from !== undefined) search.set('from', from)
    return `GET ${path}?${search.toString()} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\naccept: text/event-stream\r\n\r\n`
  }
}
