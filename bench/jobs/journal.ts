import { Redis } from 'ioredis'
import { Client } from 'pg'
import { openRaw } from '../harness/sqlite.ts'
import { postgresSettings } from './postgres-settings.ts'
import type { Place } from './queue.ts'

/** What a store has appended to its journal: SQLite's and PostgreSQL's WAL, Redis' append-only file. */
export interface Journal extends AsyncDisposable {
  /** Bytes so far; only differences mean something. */
  bytes(): Promise<number>
}

const frameHeader = 24

/** Watches the journal of a store that is open. */
export async function openJournal(place: Place): Promise<Journal> {
  if (place.redis !== undefined) return await redisJournal(place)
  return place.postgres === undefined ? sqliteJournal(place) : await postgresJournal(place)
}

/** An old snapshot keeps the WAL from starting over, so that the number of its frames only grows. */
function sqliteJournal({ path }: Place): Journal {
  const snapshot = openRaw(path)
  snapshot.exec('begin')
  snapshot.prepare('select count(*) from sqlite_schema').get()
  const reader = openRaw(path)
  const pageSize = reader.pragma('page_size', { simple: true }) as number
  return {
    async bytes() {
      const [{ log }] = reader.pragma('wal_checkpoint(passive)') as [{ log: number }]
      return log * (pageSize + frameHeader)
    },
    async [Symbol.asyncDispose]() {
      snapshot.close()
      reader.close()
    },
  }
}

async function postgresJournal(place: Place): Promise<Journal> {
  const client = new Client(postgresSettings(place))
  await client.connect()
  return {
    async bytes() {
      const text = "select pg_current_wal_insert_lsn() - '0/0' as bytes"
      const { rows } = await client.query<{ bytes: string }>(text)
      return Number(rows[0]!.bytes)
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}

async function redisJournal({ redis }: Place): Promise<Journal> {
  const client = new Redis({ ...redis! })
  // A rewrite would make the file shorter.
  await client.config('SET', 'auto-aof-rewrite-percentage', '0')
  return {
    async bytes() {
      return Number(/aof_current_size:(\d+)/.exec(await client.info('persistence'))![1])
    },
    async [Symbol.asyncDispose]() {
      client.disconnect()
    },
  }
}
