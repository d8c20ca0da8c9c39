import { join } from 'node:path'
import { startProcess, type RemoteProcess } from '../harness/child.ts'
import { redisIsMissing, startRedis, type Redis } from '../harness/redis.ts'
import type { ScenarioContext } from '../harness/scenario.ts'
import type { CacheHandlers } from '../processes/cache-process.ts'
import { rivalsAreMissing, rivalVersion } from '../rivals/load.ts'
import type { Place } from './store.ts'

const processFile = new URL('../processes/cache-process.ts', import.meta.url)

type Setting = Partial<Place> & Pick<Place, 'system'>

const all = {
  handcar: { system: 'handcar' },
  'handcar, file only': { system: 'handcar', hasMemory: false },
  Redis: { system: 'Redis' },
  'Redis, auto-pipelined': { system: 'Redis', autoPipelining: true },
  'lru-cache': { system: 'lru-cache' },
  'lru-cache, awaited': { system: 'lru-cache', isAwaited: true },
  'Keyv on SQLite': { system: 'Keyv' },
  'bentocache on SQLite': { system: 'bentocache' },
  'bentocache on SQLite, file only': { system: 'bentocache', hasMemory: false },
} as const satisfies Record<string, Setting>

/** The name of a system as it is set here. */
export type ContestantName = keyof typeof all

/** Everybody. */
export const contestantNames = Object.keys(all) as ContestantName[]

/** A contestant and its processes. */
export interface Entrant {
  readonly name: ContestantName
  readonly place: Place
  readonly processes: readonly RemoteProcess<CacheHandlers>[]
}

/** Everybody who could be started, and why the others could not. */
export interface Field extends AsyncDisposable {
  readonly entrants: readonly Entrant[]
  /** What has to be said of versions, settings, and those who are missing. */
  readonly notes: readonly string[]
  /** Why a contestant is missing; `undefined` when it is there. */
  missing(name: ContestantName): string | undefined
}

/** What a field is started with. */
export interface FieldOptions {
  readonly names: readonly ContestantName[]
  /** So many for each contestant. */
  readonly processes: number
  readonly maxBytes: number
}

/** Starts Redis, and the processes of each contestant. */
export async function startField(context: ScenarioContext, options: FieldOptions): Promise<Field> {
  await using resources = new AsyncDisposableStack()
  const redis =
    redisIsMissing() === undefined ? resources.use(await startRedis(context.folder, 'off')) : undefined
  const reasons = new Map(options.names.map((name) => [name, reasonAgainst(name)]))
  const entrants = options.names
    .filter((name) => reasons.get(name) === undefined)
    .map((name): Entrant => {
      const processes = Array.from({ length: options.processes }, () =>
        resources.use(startProcess<CacheHandlers>(processFile)),
      )
      return { name, place: placeOf(name, context.folder, options.maxBytes, redis), processes }
    })
  const leftOut = [...reasons].flatMap(([name, reason]) => (reason ? [`${name} is left out: ${reason}`] : []))
  leftOut.forEach((line) => context.report(line))
  const owned = resources.move()
  return {
    entrants,
    notes: [...settings(entrants, redis), ...leftOut],
    missing: (name) => reasons.get(name),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function reasonAgainst(name: ContestantName): string | undefined {
  const { system } = all[name]
  if (system === 'Redis') return redisIsMissing()
  if (system === 'Keyv') return rivalsAreMissing('keyv', '@keyv/sqlite')
  if (system === 'bentocache') return rivalsAreMissing('bentocache', 'kysely')
  return undefined
}

function placeOf(name: ContestantName, folder: string, maxBytes: number, redis: Redis | undefined): Place {
  return {
    path: join(folder, `${name.replaceAll(/\W+/g, '-')}.sqlite3`),
    maxBytes,
    hasMemory: true,
    autoPipelining: false,
    isAwaited: false,
    ...(redis && { redis: redis.connection }),
    ...all[name],
  }
}

function settings(entrants: readonly Entrant[], redis: Redis | undefined): string[] {
  const systems = new Set(entrants.map(({ place }) => place.system))
  return [
    'handcar: its defaults, a file with durability os and 16 MB of memory for each process; "file only" with memory: false',
    ...(systems.has('Redis')
      ? [
          `Redis ${redis!.version}, loopback, no persistence, allkeys-lru; ioredis with one connection for each process, "auto-pipelined" with enableAutoPipelining. getOrSet is get and set, and protects from nothing`,
        ]
      : []),
    ...(systems.has('lru-cache')
      ? [
          'lru-cache: maxSize by bytes. It is the memory of one process: nothing is shared and nothing outlives it. "awaited": behind async functions, as the others are called',
        ]
      : []),
    ...(systems.has('Keyv')
      ? [
          `Keyv ${rivalVersion('keyv')} with @keyv/sqlite ${rivalVersion('@keyv/sqlite')} (node:sqlite, its own choice), WAL, synchronous = normal. getOrSet is get and set; it cannot increment`,
        ]
      : []),
    ...(systems.has('bentocache')
      ? [
          `bentocache ${rivalVersion('bentocache')}: 16 MB of memory over its Kysely driver on better-sqlite3, WAL, synchronous = normal; "file only" without the memory. It cannot increment; its memory knows nothing of other processes without a bus`,
        ]
      : []),
  ]
}
