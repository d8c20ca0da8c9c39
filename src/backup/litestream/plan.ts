import { HandcarError } from '../../core/index.ts'
import { findLitestream, type LitestreamBinary } from './binary.ts'
import { litestreamConfig } from './config.ts'
import type { LitestreamOptions } from './litestream-options.ts'
import { assertPaths } from './refused-paths.ts'
import { addressOf } from './replica.ts'
import type { ReplicationStatus } from './status.ts'

/** Tells how a replication that does not run would be. Starts nothing, writes nothing. */
export async function planLitestream(options: LitestreamOptions): Promise<ReplicationStatus> {
  const { databases, replication } = options
  const found = await findBinary(options)
  return {
    state: 'stopped',
    problem: found instanceof HandcarError ? problemOf(found) : configProblem(options, found),
    litestream:
      found instanceof HandcarError
        ? undefined
        : { version: found.version, line: found.line, path: found.path },
    pid: undefined,
    uptime: 0,
    restarts: 0,
    databases: databases.map(({ name, path }) => ({
      name,
      path,
      replicas: replication.replicas.map((replica) => ({
        name: replica.name,
        address: addressOf(replica, name),
        lag: undefined,
      })),
    })),
    lastError: undefined,
  }
}

async function findBinary({ folder, app, replication, environment }: LitestreamOptions) {
  try {
    const { binary } = replication
    return await findLitestream({ binary, installed: folder.binary, app, searchPath: environment['PATH'] })
  } catch (error) {
    if (error instanceof HandcarError) return error
    throw error
  }
}

function configProblem({ databases, replication }: LitestreamOptions, { line }: LitestreamBinary) {
  try {
    assertPaths(line, databases)
    litestreamConfig(line, { ...replication, databases })
    return undefined
  } catch (error) {
    if (error instanceof HandcarError) return problemOf(error)
    throw error
  }
}

const problemOf = ({ message, fix }: HandcarError) => ({
  kind: 'down' as const,
  message: `${message} (${fix})`,
})
