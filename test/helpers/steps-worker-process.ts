import { Database } from '../../src/database/index.ts'
import { Jobs } from '../../src/jobs/index.ts'
import { crashSteps } from './crash-steps.ts'

/** A process that works on jobs with steps until it is killed. */
const { path, outside, slots } = JSON.parse(process.argv[2]!) as {
  path: string
  outside: string
  slots: number
}

const database = new Database({ path, partMigrations: { jobs: Jobs.migrations }, readers: false })
await database.start()
const jobs = new Jobs({ database, definitions: Object.values(crashSteps(outside)), work: { slots } })
await jobs.start()
process.on('message', () => {})
process.send!('ready')
