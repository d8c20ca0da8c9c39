import { setTimeout as sleep } from 'node:timers/promises'
import { answer } from '../harness/remote.ts'
import { openRaw } from '../harness/sqlite.ts'

const readMs = 2000
const pauseMs = 50

let ended = new AbortController()
let done: Promise<number> | undefined

const handlers = {
  /** Reads in transactions of two seconds with short pauses, as a report or a backup does. */
  start({ path }: { path: string }): void {
    ended = new AbortController()
    done = read(path, ended.signal)
  },

  /** Ends after the transaction under way; how many there were. */
  async stop(): Promise<number> {
    ended.abort()
    return await done!
  },
}

/** What this process can be asked for. */
export type ReaderHandlers = typeof handlers

async function read(path: string, end: AbortSignal): Promise<number> {
  const database = openRaw(path, { readonly: true, timeout: 5000 })
  let transactions = 0
  while (!end.aborted) {
    database.exec('begin')
    database.prepare('select count(*) from sqlite_schema').get()
    await sleep(readMs)
    database.exec('commit')
    transactions++
    await sleep(pauseMs)
  }
  database.close()
  return transactions
}

answer(handlers)
