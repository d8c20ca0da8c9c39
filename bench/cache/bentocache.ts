import { openRaw } from '../harness/sqlite.ts'
import { loadRival } from '../rivals/load.ts'
import { removeFiles } from './files.ts'
import type { StoreMaker } from './store.ts'

/** As much of bentocache as is used. */
interface Bento {
  get(options: { key: string }): Promise<string | undefined>
  set(options: { key: string; value: string }): Promise<boolean>
  getOrSet(options: { key: string; factory: () => string }): Promise<string>
  disconnectAll(): Promise<void>
}

interface Layers {
  useL1Layer(driver: unknown): Layers
  useL2Layer(driver: unknown): Layers
}

interface Packages {
  readonly BentoCache: new (options: object) => Bento
  readonly bentostore: () => Layers
  readonly memoryDriver: (options: { maxSize: string }) => unknown
  readonly kyselyDriver: (options: { connection: unknown }) => unknown
  readonly Kysely: new (options: object) => unknown
  readonly SqliteDialect: new (options: object) => unknown
}

/** bentocache on SQLite, through Kysely and the same driver as ours, with or without its layer in memory. */
export const bentocache: StoreMaker = {
  clear: removeFiles,
  async open({ path, hasMemory }) {
    const { BentoCache, bentostore, memoryDriver, kyselyDriver, Kysely, SqliteDialect } = await load()
    const database = openRaw(path, { timeout: 5_000 })
    database.pragma('journal_mode = wal')
    database.pragma('synchronous = normal')
    const connection = new Kysely({ dialect: new SqliteDialect({ database }) })
    const layers = hasMemory ? bentostore().useL1Layer(memoryDriver({ maxSize: '16mb' })) : bentostore()
    const store = layers.useL2Layer(kyselyDriver({ connection }))
    const cache = new BentoCache({ default: 'only', ttl: null, stores: { only: store } })
    return {
      get: (key) => cache.get({ key }),
      set: (key, value) => cache.set({ key, value }),
      getOrSet: (key, make) => cache.getOrSet({ key, factory: make }),
      increment: undefined,
      close: () => cache.disconnectAll(),
    }
  },
}

async function load(): Promise<Packages> {
  const parts = ['bentocache', 'bentocache/drivers/memory', 'bentocache/drivers/kysely', 'kysely']
  const loaded = await Promise.all(parts.map((part) => loadRival<Partial<Packages>>(part)))
  return Object.assign({}, ...loaded) as Packages
}
