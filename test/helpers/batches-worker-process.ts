import { Database } from '../../src/database/index.ts'
import { Jobs } from '../../src/jobs/index.ts'
import { crashBatches } from './crash-batches.ts'

/** A process that works on the jobs of batches until it is killed. */
const { path, slots } = JSON.parse(process.argv[2]!) as { path: string; slots: number }

const database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
await database.start()
const jobs = new Jobs({ database, definitions: Object.values(crashBatches), work: { slots } })
await jobs.start()
process.send!('ready')
