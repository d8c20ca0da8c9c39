import type { ResolvedReplica } from './replica.ts'
import { config03 } from './config-0.3.ts'
import { config05 } from './config-0.5.ts'
import type { LitestreamLine } from './version.ts'

/** A database that is replicated. */
export interface ReplicatedDatabase {
  /** What its part of each replica is called: `app`. */
  name: string
  path: string
}

/** What Litestream has to do, whatever its version. Durations in milliseconds. */
export interface ReplicationPlan {
  databases: readonly ReplicatedDatabase[]
  replicas: readonly ResolvedReplica[]
  syncInterval: number
  retention: number
  snapshotInterval: number
  /** How often a replica is compared with the database. Default: never. */
  validationInterval?: number
  /** Where it tells how it is: 0.3 on a port of this machine, 0.5 on a unix socket. Not needed for restoring. */
  ear?: { port: number; socket: string }
}

/**
 * Writes the configuration of Litestream, as JSON, which is YAML too: whatever a path contains is quoted. Litestream ignores a key that
 * it does not know without a word, so nobody else writes this file. Nothing in it is secret; keys go into the environment.
 *
 * @throws OptionsError when this Litestream cannot do what is asked for: it would leave it out without a word
 */
export function litestreamConfig(line: LitestreamLine, plan: ReplicationPlan): string {
  const config = line === '0.5' ? config05(plan) : config03(plan)
  return `${JSON.stringify(config, undefined, 2)}\n`
}
