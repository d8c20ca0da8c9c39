import { openSync, writeSync } from 'node:fs'
import { Database, type CheckpointerOptions } from 'handcar/database'
import { enter, ledgerOptions, TakenBack } from './ledger.ts'

/**
 * A process that writes to a ledger, with several writes in flight, and reports each acknowledged one: a line
 * `<writer> <number>`, appended to a file with one system call at the moment at which the promise resolved. It goes on
 * until its limit, or until it is killed, or until whoever started it goes away.
 */

/** What the process is told in its first argument, as JSON. */
export interface LedgerWriterOptions {
  path: string
  /** Name in the ledger; of this one process only. */
  writer: string
  durability: 'disk' | 'os'
  inFlight: number
  /** Bytes of payload in each entry. */
  payload: number
  /** Transactions after which it stops by itself. Default: none. */
  limit?: number
  /** File for the acknowledgements. */
  acknowledgements: string
  checkpointer?: CheckpointerOptions | false
}

const options = JSON.parse(process.argv[2]!) as LedgerWriterOptions
const { path, writer, durability, inFlight, limit = Infinity, checkpointer } = options
const payload = 'x'.repeat(options.payload)
const acknowledgements = openSync(options.acknowledgements, 'a')
let last = 0

process.stdin.on('end', () => process.exit()).resume()
process.stdin.unref()

const database = new Database({ ...ledgerOptions, path, durability, checkpointer, readers: false })
await database.start()
await Promise.all(Array.from({ length: inFlight }, writeOn))
await database.stop()

async function writeOn(): Promise<void> {
  while (last < limit) {
    const number = ++last
    if (number % 7 === 0) await takeBack(-number)
    await database.write((tx) => enter(tx, writer, number, payload))
    writeSync(acknowledgements, `${writer} ${number}\n`)
    if (number === 1) process.stdout.write('started\n')
  }
}

async function takeBack(number: number): Promise<void> {
  try {
    await database.write((tx) => enter(tx, writer, number, payload))
  } catch (error) {
    if (!(error instanceof TakenBack)) throw error
  }
}
