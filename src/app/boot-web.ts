import '../server/index.ts'
import type { TreeStatus } from '../supervisor/index.ts'
import { boot } from './boot.ts'
import { replicates, replicationCheck } from './replication.ts'
import { verificationCheck } from './verification.ts'
import { webServer } from './web-server.ts'

/** Boots a process that serves the connections which its supervisor hands to it. */
export async function bootWeb(): Promise<void> {
  await boot('web', async ({ supervised, handcar, app }) => {
    const tree = (): Promise<TreeStatus> => supervised.treeStatus()
    const server = await webServer(handcar, app, {
      details: tree,
      checks: replicates(handcar.config)
        ? [replicationCheck(tree), verificationCheck(handcar.config, handcar.database)]
        : [],
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
