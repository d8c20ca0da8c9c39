/**
 * Starts again from the first rows: removes the database of a stopped app and makes it anew.
 *
 *     npm run seed
 *
 * The rows are as old each time as on 12 April 2024, the day of the talk, so that every run starts from the same bytes.
 */
import { rmSync } from 'node:fs'
import { Handcar, loadConfig } from 'handcar'
import { Coordinator } from 'handcar/database'
import { seedDatabase } from '../src/database/seed.ts'

const dayOfTheTalk = Date.UTC(2024, 3, 12, 12)

const config = await loadConfig(`${import.meta.dirname}/..`)
const { path } = config.database
const cache = config.cache.path
// There is one coordinator for a database: this one cannot start while the app runs with its own.
await using coordinator = new Coordinator({ path, checkpointer: false })
await coordinator.start().catch((error: Error) => {
  console.error(`${error.message}. Stop the app first.`)
  process.exit(1)
})
for (const file of [path, cache].flatMap((name) => [name, `${name}-wal`, `${name}-shm`])) {
  rmSync(file, { force: true })
}
await using handcar = new Handcar(config, { migrate: true })
await handcar.start()
await seedDatabase(handcar.database, dayOfTheTalk)
console.log(`${path} has its first rows again.`)
