import type { Handcar } from 'handcar'
import { seedDatabase } from './database/seed.ts'
import { seededPassword } from './seeds/insert.ts'
import { sessionSecret } from './session-secret.ts'
import { readSettings } from './settings.ts'

/** Runs once at each start, after the migrations and before the processes of the app. */
export default async function (handcar: Handcar) {
  sessionSecret(readSettings(process.env), handcar.config.data)
  const somebody = await seedDatabase(handcar.database)
  if (somebody === undefined) return
  handcar.logger.info({}, `Sign in as ${somebody} with the password “${seededPassword}”, or sign up`)
}
