/** The app, as `handcar start` runs it. JSX must be understood before the first file that contains it is imported. */
import './jsx.ts'
import type { Handcar } from 'handcar'
import { openDatabase } from './database/index.ts'
import { sessionSecret } from './session-secret.ts'
import { readSettings } from './settings.ts'

const { createApp } = await import('./site.tsx')

export default async function (handcar: Handcar) {
  const settings = readSettings(process.env)
  const database = await openDatabase(handcar, settings.databaseMode)
  const { fetch } = createApp(database, {
    ...settings,
    sessionSecret: sessionSecret(settings, handcar.config.data),
    logger: handcar.logger,
    jobs: settings.databaseMode === 'handcar' ? handcar.jobs : undefined,
    hasMailbox: handcar.config.environment === 'development',
  })
  return { fetch, stop: () => database.stop() }
}
