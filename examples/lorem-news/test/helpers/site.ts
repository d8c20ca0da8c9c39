import '../../src/jsx.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { Handcar, loadConfig } from 'handcar'
import { FakeClock } from 'handcar/testing'
import { openDatabase } from '../../src/database/index.ts'
import { seedDatabase } from '../../src/database/seed.ts'
import type { DatabaseMode } from '../../src/settings.ts'
import { Visitor } from './visitor.ts'

const { createApp } = await import('../../src/site.tsx')

/** A fixed moment for the seeds of tests. */
export const seededAt = Date.UTC(2024, 3, 12, 12)

/** What an app of a test is given: a secret, and nobody who reads the log. */
export const privately = {
  sessionSecret: 'the session secret of the tests, long enough',
  logger: { debug() {}, info() {}, warn() {}, error() {} },
}

// Those who connect to channels are asked for by src/channels.ts, which reads the environment.
process.env['SESSION_SECRET'] = privately.sessionSecret

/** Run in reverse: what was opened last is closed first. */
const cleanups: (() => unknown)[] = []
after(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

/**
 * Handcar as the app is configured, on another folder, and without waiting for the disk. Jobs are performed when a test says so,
 * by a clock that stands still.
 */
async function startHandcar(data: string, migrate: boolean, clock = new FakeClock()): Promise<Handcar> {
  const config = await loadConfig(`${import.meta.dirname}/../..`, { overrides: { HANDCAR_DATA: data } })
  const database = { ...config.database, durability: 'os' } as const
  const handcar = new Handcar(
    { ...config, database },
    { role: 'web', migrate, clock, logger: privately.logger },
  )
  await handcar.start()
  return handcar
}

/** A seeded folder for the app's data, removed after the tests of a file. */
export async function seededFolder(): Promise<string> {
  const data = mkdtempSync(join(tmpdir(), 'lorem-news-'))
  cleanups.push(() => rmSync(data, { recursive: true, force: true }))
  await using handcar = await startHandcar(data, true)
  await seedDatabase(handcar.database, seededAt)
  return data
}

/** The app on a real, seeded database, shared by the tests of a file. */
export async function openSite(
  options: { data?: string; mode?: DatabaseMode; origin?: string; clock?: FakeClock } = {},
) {
  const data = options.data ?? (await seededFolder())
  const handcar = await startHandcar(data, false, options.clock)
  cleanups.push(() => handcar.stop())
  const database = await openDatabase(handcar, options.mode ?? 'handcar')
  cleanups.push(() => database.stop())
  const jobs = (options.mode ?? 'handcar') === 'handcar' ? handcar.jobs : undefined
  const { origin } = options
  const app = createApp(database, { origin, benchmarking: true, ...privately, jobs, hasMailbox: true })
  return {
    app,
    handcar,
    database,
    queries: database.queries,
    path: handcar.database.path,
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
export { createApp }
