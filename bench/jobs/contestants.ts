import { join } from 'node:path'
import { startProcess } from '../harness/child.ts'
import type { RemoteProcess } from '../harness/child.ts'
import { findPostgres, startPostgres } from '../harness/postgres.ts'
import type { Postgres } from '../harness/postgres.ts'
import { redisIsMissing, startRedis } from '../harness/redis.ts'
import type { Redis, RedisSync } from '../harness/redis.ts'
import type { ScenarioContext } from '../harness/scenario.ts'
import type { JobsHandlers } from '../processes/jobs-process.ts'
import type { Place, Survives, System } from './queue.ts'

const processFile = new URL('../processes/jobs-process.ts', import.meta.url)

/** A system at one durability, as it is named in results. */
export interface Contestant {
  readonly name: string
  readonly system: System
  readonly survives: Survives
  /** How its server is run; none has a server where it lives in a file. */
  readonly server?: RedisSync | 'postgres'
}

const all = {
  'handcar, os': { system: 'handcar', survives: 'crash' },
  'handcar, disk': { system: 'handcar', survives: 'power cut' },
  'BullMQ, AOF off': { system: 'BullMQ', survives: 'nothing', server: 'off' },
  'BullMQ, AOF everysec': { system: 'BullMQ', survives: 'crash', server: 'everysec' },
  'BullMQ, AOF always': { system: 'BullMQ', survives: 'power cut', server: 'always' },
  'pg-boss, synchronous_commit off': { system: 'pg-boss', survives: 'crash', server: 'postgres' },
  'pg-boss': { system: 'pg-boss', survives: 'power cut', server: 'postgres' },
  'graphile-worker, synchronous_commit off': {
    system: 'graphile-worker',
    survives: 'crash',
    server: 'postgres',
  },
  'graphile-worker': { system: 'graphile-worker', survives: 'power cut', server: 'postgres' },
  plainjob: { system: 'plainjob', survives: 'crash' },
} as const satisfies Record<string, Omit<Contestant, 'name'>>

/** The name of a system at one durability. */
export type ContestantName = keyof typeof all

/** A contestant with its server and its processes. */
export interface Entrant extends Contestant {
  readonly name: ContestantName
  readonly place: Place
  /** The processes that enqueue and perform. */
  readonly processes: readonly RemoteProcess<JobsHandlers>[]
  /** Pids of its server and of all that works for it. */
  readonly serverPid: number | undefined
}

/** Everybody who could be started, and why the others could not. */
export interface Field extends AsyncDisposable {
  readonly entrants: readonly Entrant[]
  /** What has to be said of versions, settings, and those who are missing. */
  readonly notes: readonly string[]
  /** Why a contestant is missing; `undefined` when it is there. */
  missing(name: ContestantName): string | undefined
}

/** Starts the servers, and so many processes for each contestant. */
export async function startField(
  context: ScenarioContext,
  names: readonly ContestantName[],
  processes: number,
): Promise<Field> {
  const { folder } = context
  await using resources = new AsyncDisposableStack()
  const servers = await startServers(
    folder,
    names.map((name) => (all[name] as Omit<Contestant, 'name'>).server),
    resources,
  )
  const entrants: Entrant[] = []
  const reasons = new Map<ContestantName, string>()
  for (const name of names) {
    const contestant: Omit<Contestant, 'name'> = all[name]
    const reason = servers.missing(contestant.server)
    if (reason !== undefined) {
      reasons.set(name, reason)
      context.report(`${name} is left out: ${reason}`)
      continue
    }
    entrants.push({
      ...contestant,
      name,
      place: {
        system: contestant.system,
        survives: contestant.survives,
        path: join(folder, `${name.replaceAll(/\W+/g, '-')}.sqlite3`),
        ...servers.connectionOf(contestant.server),
      },
      processes: Array.from({ length: processes }, () =>
        resources.use(startProcess<JobsHandlers>(processFile)),
      ),
      serverPid: servers.pidOf(contestant.server),
    })
  }
  const owned = resources.move()
  return {
    entrants,
    notes: [...servers.notes, ...[...reasons].map(([name, reason]) => `${name} is left out: ${reason}`)],
    missing: (name) => reasons.get(name),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type Server = Contestant['server']

async function startServers(folder: string, wanted: readonly Server[], resources: AsyncDisposableStack) {
  const redis = new Map<RedisSync, Redis>()
  const noRedis = redisIsMissing()
  for (const sync of ['off', 'everysec', 'always'] as const) {
    if (noRedis === undefined && wanted.includes(sync))
      redis.set(sync, resources.use(await startRedis(folder, sync)))
  }
  const found = await findPostgres()
  const postgres: Postgres | undefined =
    'binaries' in found && wanted.includes('postgres')
      ? resources.use(await startPostgres(found.binaries, folder))
      : undefined
  const notes = [
    ...[...redis.values()].slice(0, 1).map(({ version }) => `Redis ${version}, loopback, no snapshots`),
    ...(postgres
      ? [`PostgreSQL ${postgres.version}, its defaults (fsync on), through pg over a unix socket`]
      : []),
  ]
  return {
    notes,
    missing(server: Server): string | undefined {
      if (server === undefined) return undefined
      if (server === 'postgres') return 'missing' in found ? found.missing : undefined
      return noRedis
    },
    connectionOf(server: Server): Partial<Place> {
      if (server === undefined) return {}
      return server === 'postgres'
        ? { postgres: postgres!.connection }
        : { redis: redis.get(server)!.connection }
    },
    pidOf(server: Server): number | undefined {
      if (server === undefined) return undefined
      return server === 'postgres' ? postgres!.pid : redis.get(server)!.pid
    },
  }
}
