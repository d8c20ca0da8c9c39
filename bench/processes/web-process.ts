import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EventLoopDelay } from '../harness/event-loop-delay.ts'
import type { LatencySummary } from '../harness/latencies.ts'
import { answer } from '../harness/remote.ts'
import { openStore } from './stores.ts'
import type { Store, StoreKind } from './stores.ts'

const delay = new EventLoopDelay()

const handlers = {
  /** Serves `GET /read` and `POST /write` on a free port, and answers with its origin. */
  async start({ path, kind }: { path: string; kind: StoreKind }): Promise<string> {
    const store = await openStore(path, kind)
    const server = serve(store).listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  },

  /** Starts to measure the event loop's delay. */
  watch(): void {
    delay.start()
  },

  /** The event loop's delay since `watch`. */
  seen(): LatencySummary {
    return delay.stop().summary()
  },
}

/** What this process can be asked for. */
export type WebHandlers = typeof handlers

function serve(store: Store): Server {
  return createServer((request, response) => void respond(store, request.method, response))
}

async function respond(store: Store, method: string | undefined, response: ServerResponse): Promise<void> {
  try {
    response.end(method === 'POST' ? await store.write() : store.read())
  } catch (error) {
    response.writeHead(500).end(String(error))
  }
}

answer(handlers)
