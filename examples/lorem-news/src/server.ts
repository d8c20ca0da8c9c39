import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { createApp } from './app.tsx'
import type { Configuration } from './configuration.ts'
import { openDatabase } from './database/index.ts'
import { sessionSecret } from './session-secret.ts'

/** How long a stopping process waits for the requests that it has begun. */
const patience = 10_000

/** Longer than proxies keep an idle connection (60 s): they close it, and never send a request into one that just closed. */
const keepAlive = 65_000

/** A process that serves the app. */
export interface RunningServer {
  port: number
  /** Stops accepting, finishes what runs, closes the database. */
  stop(): Promise<void>
}

/** Serves the app from this process. Throws when the port cannot be had. */
export async function serve(configuration: Configuration): Promise<RunningServer> {
  const database = await openDatabase(configuration)
  const app = createApp(database, { ...configuration, sessionSecret: sessionSecret(configuration) })
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  server.keepAliveTimeout = keepAlive
  await listen(server, configuration)
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      await drain(server)
      await database.stop()
    },
  }
}

/** Listens, or rejects with a message that says what to do about a port that is taken. */
export function listen(server: Server, { host, port }: Pick<Configuration, 'host' | 'port'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new Error(portTaken(port), { cause: error }) : error),
    )
    server.listen(port, host, resolve)
  })
}

const portTaken = (port: number) =>
  `Port ${port} is taken by another program. Stop that one, or choose another port: PORT=${port + 1} npm start`

/** Stops accepting, finishes what runs, and closes each connection as soon as it is idle. */
function drain(server: Server): Promise<void> {
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'))
  const sweep = setInterval(() => server.closeIdleConnections(), 20)
  const giveUp = setTimeout(() => server.closeAllConnections(), patience)
  return new Promise((resolve) => {
    server.close(() => {
      clearInterval(sweep)
      clearTimeout(giveUp)
      resolve()
    })
  })
}
