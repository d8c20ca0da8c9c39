import '../../src/jsx.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { readConfiguration, databasePath, type DatabaseMode } from '../../src/configuration.ts'
import { openDatabase } from '../../src/database/index.ts'
import { prepareDatabase } from '../../src/database/prepare.ts'
import { Visitor } from './visitor.ts'

const { createApp } = await import('../../src/app.tsx')

/** A fixed moment for the seeds of tests. */
export const seededAt = Date.UTC(2024, 3, 12, 12)

const sessionSecret = 'the session secret of the tests, long enough'

/** Run in reverse: what was opened last is closed first. */
const cleanups: (() => unknown)[] = []
after(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

/** A seeded folder for the app's data, removed after the tests of a file. */
export async function seededFolder(): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'lorem-news-'))
  cleanups.push(() => rmSync(data, { recursive: true, force: true }))
  await prepareDatabase({ data }, seededAt)
  return data
}

/** The app on a real, seeded database, shared by the tests of a file. */
export async function openSite(options: { data?: string; mode?: DatabaseMode; origin?: string } = {}) {
  const data = options.data ?? (await seededFolder())
  const environment = {
    HANDCAR_DATA: data,
    LOREM_NEWS_DATABASE_MODE: options.mode,
    LOREM_NEWS_DURABILITY: 'os',
  }
  const configuration = readConfiguration(environment)
  const database = await openDatabase(configuration)
  cleanups.push(() => database.stop())
  const app = createApp(database, { origin: options.origin, benchmarking: true, sessionSecret })
  return {
    app,
    database,
    queries: database.queries,
    path: databasePath(configuration),
    data,
    visitor: () => new Visitor(app),
    /** A visitor who has just signed up. */
    async member(screen_name: string): Promise<Visitor> {
      const visitor = new Visitor(app)
      await visitor.post('/users', { screen_name, password: 'correct horse' })
      return visitor
    },
  }
}

/** An app on a database, with its own settings. */
export { createApp, sessionSecret }
