import { Handcar, loadConfig } from '../../app/index.ts'
import { HandcarError, standardLogger } from '../../core/index.ts'
import { Database } from '../../database/index.ts'
import { Realtime, RealtimeInspector } from '../../realtime/index.ts'
import type { CommandContext } from '../command.ts'
import { assertExists, byStarting, openOn } from '../open-part.ts'

/** The tables of an app's realtime, opened to look at them. They are closed at the end of the block. */
export interface OpenInspector extends AsyncDisposable {
  readonly inspector: RealtimeInspector
  readonly database: Database
  /** The data folder of the app. */
  readonly runFolder: string
}

/** The realtime of an app, opened from outside, to publish. It is closed at the end of the block. */
export interface OpenRealtime extends AsyncDisposable {
  readonly realtime: Realtime
}

/**
 * Opens the tables of an app's realtime read-only, whether it runs or not, without loading its code.
 *
 * @throws HandcarError `HANDCAR_DATABASE_PATH`, `HANDCAR_REALTIME_TABLES`
 */
export async function openInspector(context: CommandContext): Promise<OpenInspector> {
  const { database, runFolder } = await openDatabase(context, true)
  return await openOn(database, () => ({
    inspector: new RealtimeInspector(database),
    database,
    runFolder,
    [Symbol.asyncDispose]: () => database.stop(),
  }))
}

/**
 * Opens the realtime of an app, whether it runs or not, without loading its code.
 *
 * @throws HandcarError `HANDCAR_DATABASE_PATH`, `HANDCAR_REALTIME_TABLES`
 */
export async function openRealtime(context: CommandContext): Promise<OpenRealtime> {
  const { database } = await openDatabase(context, false)
  return await openOn(database, async () => {
    const realtime = new Realtime({ database, serve: false })
    await realtime.start()
    return {
      realtime,
      async [Symbol.asyncDispose]() {
        await realtime.stop()
        await database.stop()
      },
    }
  })
}

/** Opens the realtime of an app with its code, for what needs its channels. */
export async function openRealtimeWithCode({ folder }: CommandContext): Promise<OpenRealtime> {
  const config = await loadConfig(folder)
  assertExists(config.database.path, 'database', byStarting)
  process.chdir(config.folder)
  const handcar = new Handcar(config, { role: 'script', logger: standardLogger })
  await handcar.start()
  return await openOn(handcar, () => {
    if (handcar.realtime.state !== 'started')
      throw new HandcarError(
        'HANDCAR_REALTIME_TABLES',
        `The database ${config.database.path} has no tables for realtime`,
      )
    return { realtime: handcar.realtime, [Symbol.asyncDispose]: () => handcar.stop() }
  })
}

async function openDatabase({ folder }: CommandContext, readOnly: boolean) {
  const { data, database: options } = await loadConfig(folder)
  assertExists(options.path, 'database', byStarting)
  const database = new Database({
    ...options,
    migrations: undefined,
    readers: false,
    readOnly,
    slowQuery: '1d',
  })
  await database.start()
  return { database, runFolder: data }
}
