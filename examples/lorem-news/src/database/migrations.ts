import { fileURLToPath } from 'node:url'

/** The folder of the app's migrations. */
export const migrations: string = fileURLToPath(new URL('../../db/migrations', import.meta.url))
