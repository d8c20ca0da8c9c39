import { existsSync } from 'node:fs'
import type { Logger } from '../core/index.ts'
import { Database } from '../database/index.ts'
import type { ResolvedConfig } from './resolve-config.ts'

/** The database of an app for a short look; `undefined` when there is none. */
export async function openToRead(
  { database: options }: Pick<ResolvedConfig, 'database'>,
  logger?: Logger,
): Promise<Database | undefined> {
  if (!existsSync(options.path)) return undefined
  const database = new Database({
    ...options,
    readOnly: true,
    readers: false,
    checkpointer: false,
    ...(logger && { logger }),
  })
  await database.start()
  return database
}
