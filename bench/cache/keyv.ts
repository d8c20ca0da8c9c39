import { loadRival } from '../rivals/load.ts'
import { removeFiles } from './files.ts'
import type { Store, StoreMaker } from './store.ts'

/** As much of Keyv as is used. */
interface KeyvStore {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<boolean>
  disconnect(): Promise<void>
}

/** As much of its store on SQLite. */
interface SqliteStore {
  readonly ready: Promise<void>
  query(text: string): Promise<unknown>
}

interface Packages {
  readonly Keyv: new (options: { store: SqliteStore; throwOnErrors: boolean }) => KeyvStore
  readonly KeyvSqlite: new (options: { uri: string; wal: boolean; busyTimeout: number }) => SqliteStore
}

/** Keyv with its own store on SQLite and the driver that it takes by itself, in WAL mode. */
export const keyv: StoreMaker = {
  clear: removeFiles,
  async open({ path }) {
    const { Keyv } = await loadRival<Pick<Packages, 'Keyv'>>('keyv')
    const { KeyvSqlite } = await loadRival<Pick<Packages, 'KeyvSqlite'>>('@keyv/sqlite')
    const sqlite = new KeyvSqlite({ uri: `sqlite://${path}`, wal: true, busyTimeout: 5_000 })
    await sqlite.ready
    // Otherwise each write would wait for the disk, which no other store here does.
    await sqlite.query('pragma synchronous = normal')
    return open(new Keyv({ store: sqlite, throwOnErrors: true }))
  },
}

function open(cache: KeyvStore): Store {
  return {
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    async getOrSet(key, make) {
      const found = await cache.get(key)
      if (found !== undefined) return found
      const made = make()
      await cache.set(key, made)
      return made
    },
    increment: undefined,
    close: () => cache.disconnect(),
  }
}
