import type { Queries } from '../database/index.ts'
import { boundsOf } from './posts.ts'

/** The digest of a day. */
export type ListedDigest = Awaited<ReturnType<typeof newestDigests>>[number]

/** The ids of everybody who had an account on a day; nobody when nothing was written on it. */
export async function readersOfDigest(queries: Queries, day: string): Promise<number[]> {
  const [begin, end] = boundsOf(day)
  const post = await queries
    .selectFrom('posts')
    .select('id')
    .where('created_at', '>=', begin)
    .where('created_at', '<', end)
    .limit(1)
    .executeTakeFirst()
  if (!post) return []
  const users = await queries.selectFrom('users').select('id').where('created_at', '<', end).execute()
  return users.map(({ id }) => id)
}

/** Writes down what became of the digest of a day, and gives it back. */
export async function saveDigest(queries: Queries, day: string, mails: number, now = Date.now()) {
  const [begin, end] = boundsOf(day)
  const { posts } = await queries
    .selectFrom('posts')
    .select(({ fn }) => fn.countAll<number>().as('posts'))
    .where('created_at', '>=', begin)
    .where('created_at', '<', end)
    .executeTakeFirstOrThrow()
  const digest = { posts, mails, created_at: now }
  await queries
    .insertInto('digests')
    .values({ day, ...digest })
    .onConflict((conflict) => conflict.column('day').doUpdateSet(digest))
    .execute()
  return { posts, mails }
}

/** What became of the last digests. */
export const newestDigests = (queries: Queries, limit = 7) =>
  queries.selectFrom('digests').selectAll().orderBy('day', 'desc').limit(limit).execute()
