import { Database } from '../../src/database/index.ts'
import { Jobs } from '../../src/jobs/index.ts'
import { crashJobs } from './crash-jobs.ts'

/** A process that works on jobs until it is killed, or until it is told to stop. */
const { path, slots } = JSON.parse(process.argv[2]!) as { path: string; slots: number }

const database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
await database.start()
const jobs = new Jobs({ database, definitions: Object.values(crashJobs(database)), work: { slots } })
await jobs.start()
process.on('message', () => void jobs.stop({ timeout: 1_000 }).then(() => process.send!('stopped')))
process.send!('ready')
