import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Latencies } from '../harness/latencies.ts'
import { answer } from '../harness/remote.ts'
import { channelOf, microseconds, numberOf, timeOf } from '../realtime/body.ts'
import { dialects, type DialectName } from '../realtime/dialects.ts'
import { RawClient } from '../realtime/raw-client.ts'

/** Who connects, how, and to what. */
export interface ConnectPlan {
  readonly dialect: DialectName
  /** One or more servers, among which the clients are divided. */
  readonly ports: readonly number[]
  /** Where to tell what all clients have; not at all without. */
  readonly acknowledgements?: number | undefined
  readonly clients: number
  /** So many channels each: `room/0`, `room/1`, … */
  readonly channels: number
  /** The last number of each channel that was published before; `undefined`: messages are published meanwhile, and each begins anywhere. */
  readonly numbers: readonly number[] | undefined
  /** Handshakes at once, of which the next one begins when one is done; or so many a second, whatever becomes of them. */
  readonly pace: { readonly atOnce: number } | { readonly perSecond: number }
  /** Where they resume. */
  readonly from?: string | undefined
  /** Numbers may be missing, because the system promises no more: they are counted. */
  readonly mayMiss?: boolean
  /** Whether latencies are recorded. */
  readonly isTimed: boolean
}

/** What the clients have seen. */
export interface Seen {
  readonly messages: number
  readonly missed: number
  /** From the publish until a client, and until the last of all clients, had it; encoded. */
  readonly each: string
  readonly all: string
  /** From the start of a handshake until everything was subscribed; encoded. */
  readonly handshakes: string
  /** When the last message came. */
  readonly lastAt: number
}

const ringSize = 65_536

let plan: ConnectPlan
let clients: RawClient[] = []
let startedAt = new Map<RawClient, number>()
let messages = 0
let missed = 0
let lastAt = 0
let failure: Error | undefined
let each = new Latencies()
let all = new Latencies()
let handshakes = new Latencies()
/** By channel and number: how many clients have it. */
let counts: Uint32Array[] = []
let acknowledged: number[] = []
const changed = new Set<number>()
let acknowledgements: Socket | undefined
let now = 0
let changedState: () => void = () => {}

const handlers = {
  /** Connects and subscribes; resolves with the seconds that it took until all were subscribed. */
  async connect(wanted: ConnectPlan): Promise<number> {
    plan = wanted
    clients = []
    startedAt = new Map()
    forget()
    counts = Array.from({ length: plan.channels }, () => new Uint32Array(ringSize))
    acknowledged = []
    acknowledgements?.destroy()
    acknowledgements = undefined
    if (plan.acknowledgements !== undefined) {
      acknowledgements = connect({ port: plan.acknowledgements, host: '127.0.0.1', noDelay: true })
      acknowledgements.on('error', () => {})
      await once(acknowledgements, 'connect')
    }
    const from = performance.now()
    if ('perSecond' in plan.pace) await offer(plan.pace.perSecond)
    else for (let count = 0; count < plan.pace.atOnce; count++) begin()
    await until(() => handshakes.count === plan.clients)
    return (performance.now() - from) / 1000
  },

  /** Waits until every client has had these numbers, the last of each channel. */
  async caughtUp(numbers: readonly number[]): Promise<void> {
    const isThere = ({ numbers: its }: RawClient): boolean =>
      numbers.every((number, channel) => its[channel]! >= number)
    await until(() => clients.every(isThere))
  },

  /** Cuts all connections off. */
  disconnect(): void {
    for (const client of clients) client.destroy()
    acknowledgements?.destroy()
    acknowledgements = undefined
    clients = []
  },

  /** What was seen since the connect, or since this was asked last. */
  seen(): Seen {
    if (failure !== undefined) throw failure
    const seen = {
      messages,
      missed,
      each: each.encode(),
      all: all.encode(),
      handshakes: handshakes.encode(),
      lastAt,
    }
    forget()
    return seen
  },

  cpu(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },
}

function forget(): void {
  each = new Latencies()
  all = new Latencies()
  handshakes = new Latencies()
  messages = missed = lastAt = 0
}

function begin(): void {
  const { dialect, ports, channels, numbers, clients: wanted, from } = plan
  if (clients.length === wanted || failure !== undefined) return
  const names = Array.from({ length: channels }, (_, channel) => `room/${channel}`)
  const last = names.map((_, channel) => (numbers === undefined ? NaN : (numbers[channel] ?? 0)))
  const port = ports[clients.length % ports.length]!
  const client = new RawClient(dialects[dialect], { port, channels: names, from }, last, events)
  startedAt.set(client, performance.now())
  clients.push(client)
}

async function offer(perSecond: number): Promise<void> {
  const from = performance.now()
  while (clients.length < plan.clients) {
    const due = Math.ceil(((performance.now() - from) / 1000) * perSecond)
    while (clients.length < Math.min(due, plan.clients)) begin()
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (failure !== undefined) throw failure
  }
}

const events = {
  ready(client: RawClient): void {
    handshakes.record(performance.now() - startedAt.get(client)!)
    startedAt.delete(client)
    if ('atOnce' in plan.pace) begin()
    changedState()
  },

  message(client: RawClient, bytes: Buffer, start: number): void {
    const channel = channelOf(bytes, start)
    const number = numberOf(bytes, start)
    const before = client.numbers[channel]!
    if (number !== before + 1) outOfTurn(channel, before, number)
    client.numbers[channel] = number
    messages++
    if (now === 0) {
      now = microseconds()
      setImmediate(turnIsOver)
    }
    if (plan.isTimed) each.record((microseconds() - timeOf(bytes, start)) / 1000)
    const count = counts[channel]!
    if (++count[number % ringSize]! < plan.clients) return
    count[number % ringSize] = 0
    acknowledged[channel] = number
    changed.add(channel)
    if (plan.isTimed) all.record((microseconds() - timeOf(bytes, start)) / 1000)
  },

  failed(_client: RawClient, error: Error): void {
    failure ??= error
    changedState()
  },
}

function outOfTurn(channel: number, before: number, number: number): void {
  if (Number.isNaN(before)) return
  if (!plan.mayMiss || number <= before) throw new Error(`In room/${channel} came ${number} after ${before}`)
  missed += number - before - 1
}

function turnIsOver(): void {
  lastAt = now
  now = 0
  for (const channel of changed) {
    const bytes = Buffer.alloc(8)
    bytes.writeUInt32LE(channel, 0)
    bytes.writeUInt32LE(acknowledged[channel]!, 4)
    acknowledgements?.write(bytes)
  }
  changed.clear()
  changedState()
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) {
    if (failure !== undefined) throw failure
    await new Promise<void>((resolve) => (changedState = resolve))
  }
}

/** What this process can be asked for. */
export type RealtimeClientsHandlers = typeof handlers

answer(handlers)
