import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { runInNewContext } from 'node:vm'
import { setFlagsFromString } from 'node:v8'
import { answer } from '../harness/remote.ts'
import { bodyOf } from '../realtime/body.ts'
import { makers } from '../realtime/makers.ts'
import type { Place, RealtimeServer } from '../realtime/server.ts'

/** Where clients connect, and where they tell what all of them have. */
export interface Ports {
  readonly port: number
  readonly acknowledgements: number
}

/** What came of publishing. */
export interface Pumped {
  readonly messages: number
  readonly seconds: number
  /** Of this process, from the first publish to the last acknowledgement. */
  readonly cpuSeconds: number
}

/** How messages are published one by one. */
export interface Pace {
  readonly count: number
  readonly everyMs: number
  /** To so many channels each. Default: 1. */
  readonly channels?: number
}

let server: RealtimeServer
let acknowledgements: ReturnType<typeof createServer>
/** By channel: how many were published, and how many of them all clients have. */
let published: number[] = []
let had: number[] = []
let moved = Promise.withResolvers<void>()
let failure: unknown

const handlers = {
  /** Starts the server. */
  async open({ port = 0, ...where }: Place & { port?: number }): Promise<Ports> {
    server = await makers[where.system](where, port)
    published = []
    had = []
    acknowledgements = createServer(listen).listen(0, '127.0.0.1')
    await once(acknowledgements, 'listening')
    return { port: server.port, acknowledgements: (acknowledgements.address() as AddressInfo).port }
  },

  async close(): Promise<void> {
    acknowledgements.close()
    await server.close()
  },

  /** How many messages each channel has had. */
  published(): number[] {
    return published
  },

  /** Where a client resumes that has everything. */
  position(): string | undefined {
    return server.position?.()
  },

  /** Publishes for some seconds, as long as fewer than `window` messages are on their way; then waits until all clients have all. */
  async pump({ seconds, window }: { seconds: number; window: number }): Promise<Pumped> {
    const before = countOf(0)
    const from = performance.now()
    const cpu = process.cpuUsage()
    while (performance.now() - from < seconds * 1000) {
      while (countOf(0) - (had[0] ?? 0) < window) publish(0)
      await moved.promise
      throwFailure()
    }
    await settled()
    const { user, system } = process.cpuUsage(cpu)
    return {
      messages: countOf(0) - before,
      seconds: (performance.now() - from) / 1000,
      cpuSeconds: (user + system) / 1e6,
    }
  },

  /** Publishes to each channel at a fixed rate, whatever becomes of it. */
  async pace({ count, everyMs, channels = 1 }: Pace): Promise<void> {
    const from = performance.now()
    for (let done = 0; done < count;) {
      for (let channel = 0; channel < channels; channel++) publish(channel)
      done++
      const left = from + done * everyMs - performance.now()
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, left)))
      throwFailure()
    }
  },

  /** Waits until all clients have everything that was published here. */
  settled,

  /** User and system time so far, in seconds. */
  cpu(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  },

  /** Memory of the process after what is not used any more was freed, in bytes. */
  async memory(): Promise<number> {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    for (let time = 0; time < 3; time++) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return process.memoryUsage.rss()
  },
}

function publish(channel: number): void {
  const number = countOf(channel) + 1
  published[channel] = number
  const accepted = server.publish(`room/${channel}`, bodyOf(channel, number))
  if (accepted instanceof Promise) accepted.catch(fail)
}

function countOf(channel: number): number {
  return (published[channel] ??= 0)
}

async function settled(): Promise<void> {
  while (published.some((count, channel) => (had[channel] ?? 0) < count)) {
    await moved.promise
    throwFailure()
  }
}

function fail(error: unknown): void {
  failure = error
  moved.resolve()
}

function throwFailure(): void {
  if (failure !== undefined) throw failure as Error
}

/** Eight bytes each: a channel, and up to which number all clients have it. */
function listen(socket: Socket): void {
  let rest = Buffer.alloc(0)
  socket.setNoDelay().on('error', () => {})
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (; rest.length >= 8; rest = rest.subarray(8)) had[rest.readUInt32LE(0)] = rest.readUInt32LE(4)
    moved.resolve()
    moved = Promise.withResolvers()
  })
}

/** What this process can be asked for. */
export type RealtimeServerHandlers = typeof handlers

answer(handlers)
