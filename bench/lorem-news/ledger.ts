import { openRaw, scalar } from '../harness/sqlite.ts'

/** What a run says that it created, by where it was redirected to. */
export interface Claims {
  readonly acknowledged: readonly string[]
  /** Requests without a right answer: what they did may or may not be there. */
  readonly unanswered: number
}

const tables = ['posts', 'comments'] as const
type Table = (typeof tables)[number]

/**
 * The ids that a table has given out before a run. Ids are never used twice (autoincrement) and a transaction that
 * rolls back gives its id back, so the ids given out during the run are exactly the rows that were created in it,
 * also those that were destroyed since.
 */
export class Ledger {
  readonly #path: string
  readonly #before: ReadonlyMap<Table, number>

  constructor(path: string) {
    this.#path = path
    this.#before = lastIds(path)
  }

  /**
   * Compares the ids that were acknowledged with those that were given out: none missing, none twice, and no more
   * than the unanswered requests can explain. Throws when they differ; returns how many were created.
   */
  audit({ acknowledged, unanswered }: Claims): number {
    const after = lastIds(this.#path)
    const created = (table: Table): number => after.get(table)! - this.#before.get(table)!
    const posts = new Set(
      ids(acknowledged, /^\/posts\/(\d+)$/).filter((id) => id > this.#before.get('posts')!),
    )
    const commentIds = ids(acknowledged, /#comment_(\d+)$/)
    const comments = new Set(commentIds)
    if (comments.size !== commentIds.length) throw new Error('A comment was acknowledged twice')
    for (const [table, found] of [
      ['posts', posts],
      ['comments', comments],
    ] as const) {
      const beyond = [...found].filter((id) => id > after.get(table)!)
      if (beyond.length > 0)
        throw new Error(`Acknowledged ${table} are not there: ${beyond.slice(0, 5).join(', ')}`)
    }
    const unexplained = created('posts') + created('comments') - posts.size - comments.size - unanswered
    if (unexplained > 0) throw new Error(`${unexplained} rows were created that nobody asked for`)
    return posts.size + comments.size
  }

  /** Posts created since, for clients that do not say which. */
  postsCreated(): number {
    return lastIds(this.#path).get('posts')! - this.#before.get('posts')!
  }

  /** Throws unless every post created since is there still; for runs that destroy none. */
  auditNoneDestroyed(): void {
    const database = openRaw(this.#path, { timeout: 5000 })
    const found = scalar(database, 'select count(*) from posts where id > ?', this.#before.get('posts'))
    database.close()
    if (found !== this.postsCreated())
      throw new Error(`Only ${String(found)} of ${this.postsCreated()} posts are there`)
  }
}

function lastIds(path: string): Map<Table, number> {
  const database = openRaw(path, { timeout: 5000 })
  try {
    const lastId = 'select coalesce((select seq from sqlite_sequence where name = ?), 0)'
    return new Map(tables.map((table) => [table, Number(scalar(database, lastId, table))]))
  } finally {
    database.close()
  }
}

function ids(paths: readonly string[], pattern: RegExp): number[] {
  return paths.flatMap((path) => {
    const match = pattern.exec(path)
    return match ? [Number(match[1])] : []
  })
}
