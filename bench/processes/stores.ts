import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from 'handcar/database'
import { openRaw } from '../harness/sqlite.ts'
import type { RawDatabase } from '../harness/sqlite.ts'

/** How a web process waits for the write lock. */
export type StoreKind = 'immediate-timeout' | 'immediate-retry' | 'handcar'

/** What the web process does per request. */
export interface Store {
  /** One post, by its id. */
  read(): string
  /** Reads a post, inserts a comment, counts it; the comment's id. */
  write(): Promise<string> | string
}

const posts = 10_000
const busyTimeoutMs = 5000
const retryMs = 1
const selectPost = 'select id, title, body, comments_count from posts where id = ?'
const insertComment = 'insert into comments (post_id, body) values (?, ?)'
const countComment = 'update posts set comments_count = comments_count + 1 where id = ?'
const body = 'y'.repeat(100)

/** Creates the file that all stores use. */
export function createStore(path: string): void {
  const database = openRaw(path)
  database.pragma('journal_mode = wal')
  database.exec(`
    create table posts (
      id integer primary key, title text not null, body text not null, comments_count integer not null default 0
    ) strict;
    create table comments (id integer primary key, post_id integer not null, body text not null) strict;
    create index comments_for_post on comments (post_id);
    insert into posts (id, title, body)
    with recursive numbers (id) as (select 1 union all select id + 1 from numbers where id < ${posts})
    select id, 'Post ' || id, '${'x'.repeat(200)}' from numbers;`)
  database.close()
}

export async function openStore(path: string, kind: StoreKind): Promise<Store> {
  return kind === 'handcar' ? await openHandcarStore(path) : openRawStore(path, kind)
}

async function openHandcarStore(path: string): Promise<Store> {
  const database = new Database({ path })
  await database.start()
  return {
    read: () => checked(database.get<Post>(selectPost, [anyPost()])),
    write: () =>
      database.write((tx) => {
        const id = anyPost()
        checked(tx.get<Post>(selectPost, [id]))
        const { lastInsertRowid } = tx.run(insertComment, [id, body])
        tx.run(countComment, [id])
        return String(lastInsertRowid)
      }),
  }
}

function openRawStore(path: string, kind: 'immediate-timeout' | 'immediate-retry'): Store {
  const reader = openRaw(path, { readonly: true, timeout: busyTimeoutMs })
  const writer = openRaw(path, { timeout: busyTimeoutMs })
  writer.pragma('synchronous = normal')
  const select = reader.prepare(selectPost)
  const selectInside = writer.prepare(selectPost)
  const insert = writer.prepare(insertComment)
  const count = writer.prepare(countComment)
  const transaction = (): string => {
    const id = anyPost()
    checked(selectInside.get(id) as Post | undefined)
    const { lastInsertRowid } = insert.run(id, body)
    count.run(id)
    writer.exec('commit')
    return String(lastInsertRowid)
  }
  if (kind === 'immediate-retry') writer.pragma('busy_timeout = 0')
  return {
    read: () => checked(select.get(anyPost()) as Post | undefined),
    write:
      kind === 'immediate-timeout' ? () => begun(writer, transaction) : () => retried(writer, transaction),
  }
}

interface Post {
  readonly id: number
  readonly title: string
  readonly body: string
  readonly comments_count: number
}

function begun(writer: RawDatabase, transaction: () => string): string {
  writer.exec('begin immediate')
  return transaction()
}

/** Tries every millisecond for as long as the busy timeout would have waited; the loop goes on meanwhile. */
async function retried(writer: RawDatabase, transaction: () => string): Promise<string> {
  const deadline = performance.now() + busyTimeoutMs
  for (;;) {
    try {
      return begun(writer, transaction)
    } catch (error) {
      const busy = String((error as { code?: string }).code).startsWith('SQLITE_BUSY')
      if (!busy || performance.now() > deadline) throw error
      await sleep(retryMs)
    }
  }
}

function anyPost(): number {
  return 1 + Math.floor(Math.random() * posts)
}

function checked(post: Post | undefined): string {
  if (!post) throw new Error('The post is not there')
  return JSON.stringify(post)
}
