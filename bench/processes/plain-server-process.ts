import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { answer } from '../harness/remote.ts'
import hello from '../production/hello.ts'

/** What serves the smallest app without handcar. */
export type PlainServer = 'node:http' | 'Hono on node-server'

const handlers = {
  /** Serves `hello` on a free port, and answers with its origin. */
  async start({ kind }: { kind: PlainServer }): Promise<string> {
    const server = servers[kind]().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  },
}

const servers: Record<PlainServer, () => Server> = {
  'node:http': () =>
    createServer((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'text/plain; charset=UTF-8', 'content-length': 5 })
        .end('hello')
    }),
  'Hono on node-server': () => createAdaptorServer({ fetch: hello.fetch }) as Server,
}

/** What this process can be asked for. */
export type PlainServerHandlers = typeof handlers

answer(handlers)
