import { setTimeout as sleep } from 'node:timers/promises'
import { Database, type DatabaseOptions } from '../../src/database/index.ts'

/** A process of handcar's on a database that a test shares with it. Says `ready`, then does what it is asked. */

/** What it is asked to do. */
export type WriterRequest =
  /** Commits that many writes, one after the other; answers with how many were acknowledged. */
  | { commits: number }
  /** Writes without pause in transactions of `hold` milliseconds for `duration` milliseconds; answers with its waits. */
  | { writeFor: number; hold: number }
  | { ask: 'stats' | 'stop' | 'leave' }

/** What `writeFor` answers: milliseconds that each write took from the call to its acknowledgement. */
export interface WriterAnswer {
  latencies: number[]
}

const { options } = JSON.parse(process.argv[2]!) as { options: DatabaseOptions }
const database = new Database(options)

process.on(
  'message',
  (request: WriterRequest) => void perform(request).then((answer) => process.send!(answer)),
)
process.on('disconnect', () => process.exit())
await database.start()
process.send!('ready')

async function perform(request: WriterRequest): Promise<object | string> {
  if ('commits' in request) {
    for (let index = 0; index < request.commits; index++) await write(0)
    return { commits: request.commits }
  }
  if ('writeFor' in request) return { latencies: await writeFor(request.writeFor, request.hold) }
  if (request.ask === 'stats') return database.stats()
  if (request.ask === 'leave') process.exit()
  await database.stop()
  return 'stopped'
}

async function writeFor(duration: number, hold: number): Promise<number[]> {
  const latencies: number[] = []
  const endAt = performance.now() + duration
  while (performance.now() < endAt) {
    const startedAt = performance.now()
    await write(hold)
    latencies.push(performance.now() - startedAt)
    if (hold === 0) await sleep(1)
  }
  return latencies
}

function write(hold: number): Promise<unknown> {
  return database.write((tx) => {
    tx.run('insert into t (pid) values (?)', [process.pid])
    const endAt = performance.now() + hold
    while (performance.now() < endAt);
  })
}
