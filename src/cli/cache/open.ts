import { loadConfig } from '../../app/index.ts'
import { Cache, type Namespace } from '../../cache/index.ts'
import { Database } from '../../database/index.ts'
import type { CommandContext, CommandOption } from '../command.ts'
import { assertExists, byStarting, openOn } from '../open-part.ts'

/** The cache of an app, opened from outside. It is closed at the end of the block. */
export interface OpenCache extends AsyncDisposable {
  readonly cache: Cache
  /** The data folder of the app. */
  readonly runFolder: string
}

/** In which namespace a command works. */
export type NamespaceOption = { namespace?: string[] }

export const namespaceOption: CommandOption = {
  flags: '--namespace <name>',
  description: 'a namespace; given more than once, one inside the other',
  repeatable: true,
}

/**
 * Opens the cache of an app, whether it runs or not, without loading its code.
 *
 * Nothing is created: a file that belonged to whoever runs the command could be closed to the app.
 *
 * @throws HandcarError `HANDCAR_DATABASE_PATH`, `HANDCAR_CACHE_TABLES`
 */
export async function openCache({ folder }: CommandContext): Promise<OpenCache> {
  const { data, database: options, cache: settings } = await loadConfig(folder)
  const { path, ...keeping } = settings
  assertExists(options.path, 'database', byStarting)
  assertExists(path, 'cache', byStarting)
  const app = new Database({ ...options, migrations: undefined, readers: false, slowQuery: '1d' })
  await app.start()
  return await openOn(app, async () => {
    const file = Cache.databaseOptions(path, { checkpointer: false })
    const cache = new Cache({ ...keeping, database: new Database(file), app })
    await cache.start()
    return {
      cache,
      runFolder: data,
      async [Symbol.asyncDispose]() {
        await cache.stop()
        await app.stop()
      },
    }
  })
}

/** The namespace that a command was told to work in. */
export function namespaceOf(cache: Cache, { namespace = [] }: NamespaceOption): Cache | Namespace {
  return namespace.reduce<Cache | Namespace>((outer, name) => outer.namespace(name), cache)
}
