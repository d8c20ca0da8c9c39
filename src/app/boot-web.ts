import { Server } from '../server/index.ts'
import { boot } from './boot.ts'
import { healthChecks } from './health.ts'

/** Boots a process that serves the connections which its supervisor hands to it. */
export async function bootWeb(): Promise<void> {
  await boot('web', async ({ supervised, handcar, app }) => {
    const { host: _host, port: _port, socket: _socket, ...options } = handcar.config.server
    const server = new Server({
      ...options,
      app,
      listen: false,
      checks: healthChecks(handcar),
      details: () => supervised.treeStatus(),
      logger: handcar.logger,
      stopTimeout: handcar.config.processes.stopTimeout,
    })
    await server.start()
    supervised.onConnection((socket) => server.accept(socket))
    return {
      drain: ({ idle, timeout }) => server.drain({ idle, timeout }),
      stats() {
        const { requests, requestsPerSecond, active, connections, latency } = server.stats()
        const { p50, p99 } = latency
        return { requests, requestsPerSecond, active, connections, p50, p99 }
      },
    }
  })
}
