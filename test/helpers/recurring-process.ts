import { Database } from '../../src/database/index.ts'
import { Jobs } from '../../src/jobs/index.ts'
import { recurringJobs } from './recurring-jobs.ts'

/** A process that ticks and performs until it is killed. */
const { path } = JSON.parse(process.argv[2]!) as { path: string }

const database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
await database.start()
const jobs = new Jobs({ database, recurring: recurringJobs, work: true })
await jobs.start()
process.send!('ready')
