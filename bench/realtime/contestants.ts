import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess, type RemoteProcess } from '../harness/child.ts'
import { redisIsMissing, startRedis, type Redis } from '../harness/redis.ts'
import type { ScenarioContext } from '../harness/scenario.ts'
import { cpuSeconds } from '../production/proc.ts'
import type { ConnectPlan, RealtimeClientsHandlers, Seen } from '../processes/realtime-clients-process.ts'
import type { Ports, RealtimeServerHandlers } from '../processes/realtime-server-process.ts'
import { dialectOf, type DialectName } from './dialects.ts'
import type { Place, System } from './server.ts'

const serverFile = new URL('../processes/realtime-server-process.ts', import.meta.url)
const clientsFile = new URL('../processes/realtime-clients-process.ts', import.meta.url)

const all = {
  handcar: { system: 'handcar' },
  'handcar, ephemeral': { system: 'handcar, ephemeral' },
  'handcar, event stream': { system: 'handcar', dialect: 'handcar event stream' },
  'socket.io + Redis': { system: 'socket.io + Redis' },
  ws: { system: 'ws' },
  'ws + Redis pub/sub': { system: 'ws + Redis pub/sub' },
  'event stream': { system: 'event stream' },
} as const satisfies Record<string, { system: System; dialect?: DialectName }>

/** The name of a system and of what carries its messages. */
export type ContestantName = keyof typeof all

/** What the clients of a stage want, beside what the contestant says. */
type Crowd = Omit<ConnectPlan, 'dialect' | 'ports' | 'numbers' | 'acknowledgements'>

/** How they connect. */
interface ConnectOptions {
  /** To which servers. Default: the first. */
  readonly servers?: readonly number[]
  /** Messages are published while they do: each begins with any number. */
  readonly meanwhile?: boolean
  /** The last number that they have of each channel. Default: all that was published. */
  readonly numbers?: readonly number[]
}

/** Servers of one contestant, and a process with their clients. */
interface Stage extends AsyncDisposable {
  readonly servers: readonly RemoteProcess<RealtimeServerHandlers>[]
  readonly clients: RemoteProcess<RealtimeClientsHandlers>
  /** Connects clients to some of the servers, by default the first; what they have is told to the first. Resolves with the seconds that it took. */
  connect(crowd: Crowd, options?: ConnectOptions): Promise<number>
  /** What the clients have seen; throws when it is not all of what was published, exactly once and in order. */
  check(clients: number, messages: number): Promise<Seen>
  /** CPU time of the servers, and of Redis where there is one, in seconds. */
  cpu(): Promise<{ servers: number; redis: number }>
}

/** Redis, and everybody who can be started here. */
export interface Field extends AsyncDisposable {
  readonly names: readonly ContestantName[]
  /** What has to be said of versions, settings, and those who are missing. */
  readonly notes: readonly string[]
  /** Starts servers of a contestant in processes of their own, with nothing stored. */
  stage(name: ContestantName, servers?: number): Promise<Stage>
}

/** Finds out who can take part. */
export async function startField(
  context: ScenarioContext,
  wanted: readonly ContestantName[],
): Promise<Field> {
  await using resources = new AsyncDisposableStack()
  const missing = redisIsMissing()
  const redis = missing === undefined ? resources.use(await startRedis(context.folder, 'off')) : undefined
  const leftOut = wanted.filter((name) => missing !== undefined && name.includes('Redis'))
  const reasons = leftOut.map((name) => `${name} is left out: ${missing}`)
  reasons.forEach((line) => context.report(line))
  const owned = resources.move()
  return {
    names: wanted.filter((name) => !leftOut.includes(name)),
    notes: [...settings(wanted, redis), ...reasons],
    stage: (name, servers = 1) => openStage(name, servers, context.folder, redis),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function openStage(
  name: ContestantName,
  count: number,
  folder: string,
  redis: Redis | undefined,
): Promise<Stage> {
  await using resources = new AsyncDisposableStack()
  const path = join(folder, 'realtime.sqlite3')
  for (const suffix of ['', '-wal', '-shm', '.wake']) await rm(`${path}${suffix}`, { force: true })
  const { system, dialect }: { system: System; dialect?: DialectName } = all[name]
  const place: Place = { system, path, ...(redis && { redis: redis.connection }) }
  const start = () => resources.use(startProcess<RealtimeServerHandlers>(serverFile))
  const servers = Array.from({ length: count }, start)
  const clients = resources.use(startProcess<RealtimeClientsHandlers>(clientsFile))
  const ports: Ports[] = []
  for (const server of servers) ports.push(await server.call('open', place))
  const owned = resources.move()
  return {
    servers,
    clients,
    async connect(crowd, { servers: of = [0], meanwhile = false, numbers } = {}) {
      return await clients.call('connect', {
        ...crowd,
        dialect: dialect ?? dialectOf(system),
        ports: of.map((index) => ports[index]!.port),
        acknowledgements: ports[0]!.acknowledgements,
        numbers: meanwhile ? undefined : (numbers ?? (await servers[0]!.call('published', undefined))),
      })
    },
    async check(crowd, messages) {
      const seen = await clients.call('seen', undefined)
      if (seen.messages + seen.missed === crowd * messages) return seen
      throw new Error(`${name}: ${crowd} clients got ${seen.messages} messages, not ${crowd * messages}`)
    },
    async cpu() {
      const each = await Promise.all(servers.map((server) => server.call('cpu', undefined)))
      return {
        servers: each.reduce((sum, seconds) => sum + seconds, 0),
        redis: redis && system.includes('Redis') ? cpuSeconds(redis.pid) : 0,
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function settings(names: readonly ContestantName[], redis: Redis | undefined): string[] {
  const has = (part: string): boolean => names.some((name) => name.includes(part))
  return [
    'everything shares the cores of the machine: the servers, Redis, and one process with all clients, which takes messages off bare sockets and is the same for all; nothing pinned',
    'each message is 200 bytes of JSON with its number; each client of each system checks that it gets every number once and in order, or the run fails',
    'handcar: Database, Realtime and Server at their defaults, but with durability os and without the log of requests: each message is a row that was committed before it is sent, that survives the processes, and that clients who come back get',
    ...(has('ephemeral') ? ['"ephemeral": messages of handcar that are not stored'] : []),
    ...(has('socket.io') && redis !== undefined
      ? [
          `socket.io with @socket.io/redis-adapter over ioredis, their defaults, clients by WebSocket at once; Redis ${redis.version}, loopback, no persistence. What nobody listens to is lost; that of a client that is away too`,
        ]
      : []),
    ...(has('ws')
      ? [
          'ws: JSON.stringify once, then send() to each socket of a Set, without compression; one process, nothing stored',
        ]
      : []),
    ...(names.includes('event stream')
      ? ['event stream: node:http, write() to each response; one process, nothing stored']
      : []),
  ]
}
