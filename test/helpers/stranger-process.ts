import { DatabaseSync } from 'node:sqlite'

/**
 * A program that is not handcar, on the same file: it uses Node's own SQLite, a library apart from handcar's. It does what
 * its messages say and answers each with its result.
 */

/** What it is asked to do. */
export type StrangerRequest = { exec: string } | { all: string } | { holdFor: number }

const { path } = JSON.parse(process.argv[2]!) as { path: string }
const database = new DatabaseSync(path)
database.exec('pragma busy_timeout = 5000')

process.on('message', (request: StrangerRequest) => {
  if ('holdFor' in request) return hold(request.holdFor)
  if ('all' in request) return process.send!(database.prepare(request.all).all())
  database.exec(request.exec)
  process.send!('done')
})
process.on('disconnect', () => process.exit())
process.send!('ready')

/** Holds the write lock for a time; answers when it has it and when it has let it go. */
function hold(milliseconds: number): void {
  database.exec('begin immediate')
  process.send!('held')
  setTimeout(() => {
    database.exec('commit')
    process.send!('released')
  }, milliseconds)
}
