import { Database } from 'handcar/database'

/** A process that opens a database, which migrates it, and ends. Told in its first argument: `{ path, migrations }`. */

const { path, migrations } = JSON.parse(process.argv[2]!) as { path: string; migrations: string }
const database = new Database({ path, migrations, readers: false })
await database.start()
await database.stop()
